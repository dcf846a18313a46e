import java.io.StringReader;
import java.io.StringWriter;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * pgjdbc in transaction mode, with a prepared statement from the first use on: many threads, large batches, cursors, COPY, cancel; LISTEN
 * in session mode. Prints a line for each check; the exit code says whether all were good.
 *
 * The environment says where the pooler is: PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE (transaction mode), SESSION_DATABASE (session mode).
 */
public final class Pgjdbc {
    private static final int THREADS = 30;
    private static final int ROWS = 10_000;

    private interface Check {
        void run() throws Exception;
    }

    private static int failed;

    public static void main(String[] arguments) {
        check(THREADS + " threads share two servers, each with prepared statements", Pgjdbc::many);
        check("a batch of " + ROWS + " rows", () -> batch(""));
        check("a batch of " + ROWS + " rows, rewritten to inserts of many rows", () -> batch("reWriteBatchedInserts=true"));
        check("an error in the middle of a batch", Pgjdbc::failingBatch);
        check("DateStyle and client_encoding are what the driver insists on, and do not leak", Pgjdbc::parameters);
        check("errors and savepoints by autosave", Pgjdbc::autosave);
        check("statements that a changed table made stale are prepared anew", Pgjdbc::changedTable);
        check("a cursor by portal and row limit", Pgjdbc::cursor);
        check("COPY in and out", Pgjdbc::copy);
        check("a COPY that fails leaves the connection usable", Pgjdbc::failingCopy);
        check("cancel ends the query and not the connection", Pgjdbc::cancel);
        check("LISTEN in session mode", Pgjdbc::listen);
        System.exit(failed == 0 ? 0 : 1);
    }

    private static void check(String name, Check check) {
        try {
            check.run();
            System.out.println("ok " + name);
        } catch (Throwable problem) {
            failed++;
            String where = Arrays.stream(problem.getStackTrace()).filter(frame -> frame.getClassName().equals("Pgjdbc")).findFirst().map(Object::toString).orElse("");
            System.out.println("FAILED " + name + ": " + (problem + " " + where).replace('\n', ' '));
        }
    }

    private static void same(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
    }

    private static void refused(String state, Check check) throws Exception {
        try {
            check.run();
        } catch (SQLException problem) {
            same(state, problem.getSQLState());
            return;
        }
        throw new AssertionError("expected an error " + state);
    }

    private static Connection connect(String... options) throws SQLException {
        return connectTo(System.getenv("PGDATABASE"), options);
    }

    private static Connection connectTo(String database, String... options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("prepareThreshold", "1");
        if (System.getenv("PGSSLROOTCERT") != null) {
            properties.setProperty("sslmode", System.getenv("PGSSLMODE"));
            properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        }
        for (String option : options) {
            if (!option.isEmpty()) properties.setProperty(option.split("=", 2)[0], option.split("=", 2)[1]);
        }
        return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + database, properties);
    }

    private static Object value(Connection connection, String sql, Object... arguments) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) statement.setObject(i + 1, arguments[i]);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getObject(1);
            }
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void many() throws Exception {
        var threads = Executors.newFixedThreadPool(THREADS);
        List<Future<Object>> ends = new ArrayList<>();
        for (int number = 0; number < THREADS; number++) ends.add(threads.submit(client(number)));
        for (Future<Object> end : ends) end.get(60, TimeUnit.SECONDS);
        threads.shutdown();
    }

    private static Callable<Object> client(int number) {
        return () -> {
            try (Connection connection = connect()) {
                for (int turn = 0; turn < 10; turn++) {
                    same(number + turn, value(connection, "select ?::int + ?::int", number, turn));
                    same(turn * (number % 5), value(connection, "select ?::int * " + number % 5, turn));
                    connection.setAutoCommit(false);
                    same(value(connection, "select pg_backend_pid()"), value(connection, "select pg_backend_pid()"));
                    connection.commit();
                    connection.setAutoCommit(true);
                }
            }
            return null;
        };
    }

    private static void batch(String option) throws SQLException {
        try (Connection connection = connect(option)) {
            connection.setAutoCommit(false);
            run(connection, "create temp table jdbc_rows (number int, body text) on commit drop");
            try (PreparedStatement insert = connection.prepareStatement("insert into jdbc_rows values (?, ?)")) {
                for (int i = 0; i < ROWS; i++) {
                    insert.setInt(1, i);
                    insert.setString(2, "body of row " + i);
                    insert.addBatch();
                }
                same(ROWS, insert.executeBatch().length);
            }
            same((long) ROWS * (ROWS - 1) / 2, value(connection, "select sum(number) from jdbc_rows"));
            connection.commit();
        }
    }

    private static void failingBatch() throws Exception {
        try (Connection connection = connect()) {
            for (int turn = 0; turn < 3; turn++) {
                connection.setAutoCommit(false);
                run(connection, "create temp table jdbc_rows (number int primary key) on commit drop");
                try (PreparedStatement insert = connection.prepareStatement("insert into jdbc_rows values (?)")) {
                    for (int i = 0; i < 2000; i++) {
                        insert.setInt(1, i == 1000 ? 0 : i);
                        insert.addBatch();
                    }
                    refused("23505", insert::executeBatch);
                }
                connection.rollback();
                same(turn, value(connection, "select ?::int", turn));
                connection.commit();
            }
        }
    }

    private static void parameters() throws Exception {
        if ("keep".equals(System.getenv("SESSION_STATE"))) { // The driver gives DateStyle as a parameter too, which is the stronger one, as in PostgreSQL.
            try (Connection connection = connect("options=-c datestyle=German")) {
                same(true, ((String) value(connection, "select current_setting('DateStyle')")).startsWith("ISO"));
            }
        } else { // The driver's own verdict on the ParameterStatus it is told.
            refused("08006", () -> connect("options=-c datestyle=German").close());
        }
        try (Connection connection = connect()) {
            for (int turn = 0; turn < 50; turn++) { // Meanwhile the test's own client asks for German dates on the same servers.
                same(true, ((String) value(connection, "select current_setting('DateStyle')")).startsWith("ISO"));
                same("UTF8", value(connection, "select current_setting('client_encoding')"));
                same(java.sql.Date.valueOf("2001-02-03"), value(connection, "select date '2001-02-03'"));
                same("h\u00e4\u00dflich \u2603", value(connection, "select ?::text", "h\u00e4\u00dflich \u2603"));
            }
        }
    }

    private static void autosave() throws Exception {
        try (Connection connection = connect("autosave=always")) {
            connection.setAutoCommit(false);
            for (int turn = 0; turn < 5; turn++) {
                refused("22012", () -> value(connection, "select 1 / ?::int", 0));
                same(turn, value(connection, "select ?::int", turn));
            }
            connection.commit();
        }
    }

    private static void changedTable() throws Exception {
        try (Connection connection = connect()) {
            run(connection, "drop table if exists jdbc_changed");
            run(connection, "create table jdbc_changed (one int)");
            run(connection, "insert into jdbc_changed values (1)");
            for (int turn = 0; turn < 3; turn++) same(1, value(connection, "select * from jdbc_changed"));
            run(connection, "alter table jdbc_changed add two int default 2");
            for (int turn = 0; turn < 3; turn++) same(1, value(connection, "select * from jdbc_changed"));
            run(connection, "drop table jdbc_changed");
        }
    }

    private static void cursor() throws SQLException {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(70);
                long sum = 0;
                try (ResultSet rows = statement.executeQuery("select generate_series(1, 1000)")) {
                    while (rows.next()) sum += rows.getInt(1);
                }
                same(500500L, sum);
            }
            connection.commit();
        }
    }

    private static void copy() throws Exception {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            run(connection, "create temp table jdbc_rows (number int, body text) on commit drop");
            var copies = connection.unwrap(PGConnection.class).getCopyAPI();
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < ROWS; i++) text.append(i).append("\tbody ").append(i).append('\n');
            same((long) ROWS, copies.copyIn("copy jdbc_rows from stdin", new StringReader(text.toString())));
            StringWriter out = new StringWriter();
            copies.copyOut("copy (select * from jdbc_rows order by number) to stdout", out);
            same(text.toString(), out.toString());
            connection.commit();
        }
    }

    private static void failingCopy() throws Exception {
        try (Connection connection = connect()) {
            for (int turn = 0; turn < 5; turn++) {
                connection.setAutoCommit(false);
                run(connection, "create temp table jdbc_rows (number int) on commit drop");
                var copies = connection.unwrap(PGConnection.class).getCopyAPI();
                refused("22P02", () -> copies.copyIn("copy jdbc_rows from stdin", new StringReader("not a number\n".repeat(2000))));
                connection.rollback();
                same(turn, value(connection, "select ?::int", turn));
                connection.commit();
            }
        }
    }

    private static void cancel() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            Thread canceller = new Thread(() -> {
                try {
                    Thread.sleep(300);
                    statement.cancel();
                } catch (Exception problem) {
                    throw new IllegalStateException(problem);
                }
            });
            canceller.start();
            long begin = System.nanoTime();
            refused("57014", () -> statement.executeQuery("select pg_sleep(30)"));
            canceller.join();
            same(true, System.nanoTime() - begin < 20_000_000_000L);
            statement.setQueryTimeout(1);
            refused("57014", () -> statement.executeQuery("select pg_sleep(30)"));
            same(5, value(connection, "select 5"));
        }
    }

    private static void listen() throws Exception {
        try (Connection listener = connectTo(System.getenv("SESSION_DATABASE")); Connection sender = connect()) {
            run(listener, "listen jdbc_channel");
            run(sender, "notify jdbc_channel, 'hello'");
            PGNotification[] heard = listener.unwrap(PGConnection.class).getNotifications(20_000);
            same("hello", heard[0].getParameter());
        }
    }
}
