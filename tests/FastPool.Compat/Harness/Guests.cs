using System.Text;

namespace FastPool.Compat.Harness;

/// <summary>
/// Clients of every kind that must not notice a takeover: idle, in a transaction, listening, with statements and variables of
/// their own.
/// </summary>
internal sealed class Guests : IAsyncDisposable
{
    private readonly Pooler _pooler;
    private readonly RawClient _idle;
    private readonly RawClient _inTransaction;
    private readonly RawClient _prepared;
    private readonly RawClient _listener;
    private readonly string? _backend;
    private int _days;

    private Guests(Pooler pooler, RawClient idle, RawClient inTransaction, RawClient prepared, RawClient listener,
        string? backend)
    {
        _pooler = pooler;
        _idle = idle;
        _inTransaction = inTransaction;
        _prepared = prepared;
        _listener = listener;
        _backend = backend;
    }

    public static async Task<Guests> EnterAsync(Pooler pooler)
    {
        var idle =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "idle guest"),
            ("DateStyle", "German"));
        var inTransaction = await pooler.RawAsync();
        await inTransaction.QueryAsync("begin");
        await inTransaction.QueryAsync("create temp table guest (n int) on commit drop");
        var backend = (await inTransaction.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        var prepared = await pooler.RawAsync();
        await prepared.SendAsync(
            [.. Wire.Typed('P', Encoding.ASCII.GetBytes("mine\0select $1::int + 1\0\0\0")), .. Wire.Typed('S')]);
        Assert.Equal("1Z", (await prepared.ReplyAsync()).Types);
        var listener = await RawClient.LoginAsync(pooler.Port, "user_trust", "whole");
        await listener.QueryAsync("listen takeover");
        return new Guests(pooler, idle, inTransaction, prepared, listener, backend);
    }

    /// <summary>Their work between two takeovers.</summary>
    public async Task LiveAsync()
    {
        _days++;
        Assert.Equal("idle guest|German, DMY",
            await RowAsync(_idle, "select current_setting('application_name'), current_setting('DateStyle')"));
        Assert.Equal(_backend, await RowAsync(_inTransaction, "select pg_backend_pid()"));
        await _inTransaction.QueryAsync($"insert into guest values ({_days})");
        Assert.Equal("42", await ExecutePreparedAsync("41"));
        await _pooler.ScalarAsync($"notify takeover, '{_days}'");
        var notification = await _listener.ReadAsync();
        Assert.Equal('A', notification!.Type);
        Assert.Equal($"takeover\0{_days}\0", Encoding.ASCII.GetString(notification.Body, 4, notification.Body.Length - 4));
    }

    public async Task LeaveAsync()
    {
        Assert.Equal($"{_days}", await RowAsync(_inTransaction, "select count(*) from guest"));
        Assert.Equal('I', (await _inTransaction.QueryAsync("commit")).Status);
        Assert.Equal("8", await ExecutePreparedAsync("7"));
    }

    private static async Task<string> RowAsync(RawClient client, string sql)
    {
        var reply = await client.QueryAsync(sql);
        return reply.Error is null ? string.Join('|', reply.Rows[0]) : reply.ErrorText;
    }

    private async Task<string?> ExecutePreparedAsync(string argument)
    {
        var value = Encoding.ASCII.GetBytes(argument);
        byte[] bind = [.. "\0mine\0"u8, 0, 0, 0, 1, 0, 0, 0, (byte)value.Length, .. value, 0, 0];
        await _prepared.SendAsync(
            [.. Wire.Typed('B', bind), .. Wire.Typed('E', [0, 0, 0, 0, 0]), .. Wire.Typed('S')]);
        var reply = await _prepared.ReplyAsync();
        return reply.Error is null ? reply.Rows[0][0] : reply.ErrorText;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in new[] { _idle, _inTransaction, _prepared, _listener }) await client.DisposeAsync();
    }
}
