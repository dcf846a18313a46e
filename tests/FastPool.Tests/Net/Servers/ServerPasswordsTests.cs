using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Net;

namespace FastPool.Tests.Net;

/// <summary>Passwords from files and commands, as logins ask for them.</summary>
public sealed class ServerPasswordsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("fastpool").FullName;
    private readonly ServerPasswords _passwords = new();

    private string Path => System.IO.Path.Combine(_folder, "secret");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private async Task<PasswordRequest> AskAsync(PasswordSourceKind kind, string text)
    {
        var request = new PasswordRequest(new PasswordSource(kind, text, "database \"d\""));
        var answered = new TaskCompletionSource();
        _passwords.Begin(request, answered.SetResult);
        await answered.Task.WaitAsync(Patience);
        Assert.True(request.IsOver);
        return request;
    }

    private Task<PasswordRequest> FileAsync() => AskAsync(PasswordSourceKind.File, Path);

    private Task<PasswordRequest> CommandAsync() => AskAsync(PasswordSourceKind.Command, $"/bin/cat {Path}");

    [Theory]
    [InlineData("one", "one")]
    [InlineData("one\ntwo\n", "one")]
    [InlineData("one\r\n", "one")]
    [InlineData(" o n e ", " o n e ")]
    public async Task The_first_line_is_the_password(string content, string password)
    {
        await File.WriteAllTextAsync(Path, content);
        Assert.Equal((password, null, true), Answer(await FileAsync()));
        Assert.Equal((password, null, true), Answer(await CommandAsync()));
    }

    [Fact]
    public async Task A_file_counts_as_it_is_at_each_login()
    {
        await File.WriteAllTextAsync(Path, "one");
        Assert.Equal(("one", null, true), Answer(await FileAsync()));
        await File.WriteAllTextAsync(Path, "two");
        Assert.Equal(("two", null, true), Answer(await FileAsync()));
    }

    [Fact]
    public async Task The_word_of_a_command_holds_until_it_is_refused_or_the_settings_are_read_again()
    {
        await File.WriteAllTextAsync(Path, "one");
        await CommandAsync();
        await File.WriteAllTextAsync(Path, "two");
        var known = await CommandAsync();
        Assert.Equal(("one", null, false), Answer(known));
        _passwords.Forget(known);
        var second = await CommandAsync();
        Assert.Equal(("two", null, true), Answer(second));
        _passwords.Forget(known); // A late complaint about the one of before is no complaint about this one.
        Assert.Equal(("two", null, false), Answer(await CommandAsync()));
        await File.WriteAllTextAsync(Path, "three");
        _passwords.ForgetAll();
        Assert.Equal(("three", null, true), Answer(await CommandAsync()));
    }

    [Theory]
    [InlineData(null, "No such file or directory")]
    [InlineData("", "there is no password in it")]
    [InlineData("\nsecret", "there is no password in it")]
    [InlineData("sec\0ret", "there is a NUL byte in the password")]
    public async Task Without_one_the_reason_is_told(string? content, string problem)
    {
        if (content is not null) await File.WriteAllTextAsync(Path, content);
        Assert.Equal(("", $"password_file of database \"d\": {problem}", true), Answer(await FileAsync()));
    }

    [Fact]
    public async Task One_that_is_too_long_is_none()
    {
        await File.WriteAllTextAsync(Path, new string('x', Secret.BytesMax + 1));
        Assert.Equal("password_file of database \"d\": the password is too long", (await FileAsync()).Problem);
        await File.WriteAllTextAsync(Path, new string('x', Secret.BytesMax));
        Assert.Equal(Secret.BytesMax, (await FileAsync()).Password.Length);
    }

    [Fact]
    public async Task A_command_that_fails_is_asked_again_by_the_next_login()
    {
        Assert.Equal("password_command of database \"d\": it ended with status 1", (await CommandAsync()).Problem);
        await File.WriteAllTextAsync(Path, "one");
        Assert.Equal(("one", null, true), Answer(await CommandAsync()));
    }

    [Fact]
    public async Task Logins_at_the_same_time_ask_once()
    {
        var log = Path + ".log";
        var fifo = Path + ".fifo";
        using (var made = System.Diagnostics.Process.Start("mkfifo", fifo)) await made.WaitForExitAsync();
        var text = $"/bin/sh -c \"echo asked >>{log}; cat {fifo}\"";
        var asking = Enumerable.Range(0, 20).Select(_ => AskAsync(PasswordSourceKind.Command, text)).ToList();
        await File.WriteAllTextAsync(fifo, "one\n");
        foreach (var request in await Task.WhenAll(asking)) Assert.Equal(("one", null, true), Answer(request));
        Assert.Equal(["asked"], await File.ReadAllLinesAsync(log));
    }

    [Fact]
    public async Task A_FIFO_without_a_writer_holds_nobody_up()
    {
        using (var made = System.Diagnostics.Process.Start("mkfifo", Path)) await made.WaitForExitAsync();
        Assert.Equal("password_file of database \"d\": there is no password in it", (await FileAsync()).Problem);
    }

    private static (string, string?, bool) Answer(PasswordRequest request) =>
        (request.Password, request.Problem, request.IsFresh);
}
