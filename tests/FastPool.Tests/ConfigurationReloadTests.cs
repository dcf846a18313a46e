using FastPool.Control.Operations;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Logs;
using Microsoft.Extensions.Logging;

namespace FastPool.Tests;

public class ConfigurationReloadTests
{
    private const string Main = "[databases]\np = user=u\nq = pool_size=7\n[pgbouncer]\nmax_client_conn = 50\nlogfile =";

    private readonly Lines _lines = new();
    private readonly FakePooler _pooler = new();
    private string? _content = Main;

    [Fact]
    public void A_reload_hands_the_new_settings_to_the_pooler()
    {
        var reloader = Started();
        _content = Main + "\ndefault_pool_size = 5\n";
        Assert.True(reloader.Reload(_pooler));
        Assert.Equal(5, _pooler.Settings?.DefaultPoolSize);
        Assert.Same(_pooler.Settings, reloader.Current);
        Assert.Empty(_lines.All);
    }

    [Fact]
    public void A_reload_that_fails_changes_nothing()
    {
        var reloader = Started();
        var before = reloader.Current;
        _content = null;
        Assert.False(reloader.Reload(_pooler));
        Assert.Same(before, reloader.Current);
        Assert.Null(_pooler.Settings);
        Assert.Equal(
            ["ERROR could not load file \"a.ini\": No such file or directory", "WARNING config file loading failed"], _lines.All);
    }

    [Fact]
    public void Unusable_TLS_settings_fail_a_reload_but_are_the_settings_now()
    {
        var reloader = Started();
        _pooler.IsTlsUsable = false;
        Assert.False(reloader.Reload(_pooler));
        Assert.Same(_pooler.Settings, reloader.Current);
        Assert.Equal(["ERROR TLS configuration could not be reloaded, keeping old configuration"], _lines.All);
    }

    [Fact]
    public void A_setting_changed_by_SET_is_in_force()
    {
        var reloader = Started();
        reloader.Apply(reloader.Current.TrySet("default_pool_size", "9", out _)!);
        Assert.Equal(9, reloader.Current.DefaultPoolSize);
    }

    [Fact]
    public void Expected_descriptors_count_a_pool_for_each_known_user_of_a_database_without_one()
    {
        const int Users = 4; // Of userlist and [users] together, and pgbouncer.
        _content = Main + "\nauth_file = users.txt\n[users]\nu2 = pool_size=1\nu3 = pool_mode=session\n";
        Assert.Equal(50 + 10 + 2 + 20 + (7 * Users), DescriptorLimit.Expected(Started().Current));
    }

    private ConfigurationReload Started()
    {
        var files = new Files(this);
        var reloader = new ConfigurationReload(
            new PoolerLog(stderr: null, static _ => { }),
            _lines,
            current => ConfigurationLoader.Load("a.ini", files, current, new Dictionary<string, string>()));
        reloader.Apply(ConfigurationLoader.Load("a.ini", files, null, new Dictionary<string, string>()).Settings!);
        return reloader;
    }

    private sealed class Files(ConfigurationReloadTests test) : IFileReader
    {
        public bool TryRead(string path, out byte[] content, out string error)
        {
            var text = path == "a.ini" ? test._content : "\"u1\" \"\"\n\"u2\" \"\"\n";
            content = ByteText.FromNative(text ?? "").Select(c => (byte)c).ToArray();
            error = text is null ? FileErrors.NoSuchFile : "";
            return text is not null;
        }

        public FileStamp Stamp(string path) => default;
    }

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var word = System.Text.Encoding.ASCII.GetString(LevelWords.Word(logLevel));
            All.Add($"{word} {formatter(state, exception)}");
        }
    }

    private sealed class FakePooler : IPooler
    {
        public FastPool.Core.Settings.Settings? Settings { get; private set; }

        public bool IsTlsUsable { get; set; } = true;

        public string PollMethod => "none";

        public string TlsLibrary => "none";

        public ShutdownState State => default;

        public string? Prepare() => null;

        public string? TakeOver(out bool isFound)
        {
            isFound = false;
            return null;
        }

        public string? Start(IReadOnlyList<int> inherited) => null;

        public bool Reload(FastPool.Core.Settings.Settings settings)
        {
            Settings = settings;
            return IsTlsUsable;
        }

        public void Pause()
        {
        }

        public void Resume()
        {
        }

        public void ShutDown(ShutdownMode mode)
        {
        }

        public void TellAll()
        {
        }

        public void CleanUp()
        {
        }
    }
}
