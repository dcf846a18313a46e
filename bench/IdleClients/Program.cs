// Opens many clients that log in without a password, so that the pooler's memory and time for each can be read. Prints
// "ready N" when all are in, and holds them until its input ends.
//
//   idleclients <port> <count> <user> <database> [tls] [options].
//
//   databases=N    The clients take turns with <database>_1 to <database>_N.
//   users=M        And with <user>_1 to <user>_M, so that the first N * M of them have a pool each.
//   first=I        They are numbered from I on; 0 without it.
//   hold=K         Only K of them stay, spread evenly; the others leave as soon as they are in.
//   at-once=C      So many log in at the same time; 1 without it.
//   query=TEXT     Each says this once it is in, and awaits the answer; # is its number.
//   asked=TEXT     The last thing that each says; no answer is awaited.
//   statements=S   Each prepares S statements, named s0, s1 and so on.
//   text=TEXT      Of these; # is the number of the statement, @ that of the client.
//
// Lines of its input: "say TEXT" is a query of all clients, whose answers are awaited; "leave" ends them all. "done" answers
// each. "end" is the end of its input: who starts it may have left the other end of that to programs of its own.
//
//   idleclients serve <port>       Stands in for PostgreSQL, where only its presence counts.

using System.Globalization;
using System.Net;
using IdleClients;

if (args is ["serve", var port])
{
    await StandIn.ServeAsync(int.Parse(port, CultureInfo.InvariantCulture));
    return 0;
}

if (Order.Of(args) is not { } order)
{
    Console.Error.WriteLine("usage: idleclients <port> <count> <user> <database> [tls] [option=value ...]");
    return 2;
}

var pooler = new IPEndPoint(IPAddress.Loopback, order.Port);
var clients = new Client?[order.Count];
var next = -1;
await InTurns(LogInAsync);
Console.WriteLine($"ready {order.Hold}");
while (Console.In.ReadLine() is { } line and not "end")
{
    next = -1;
    if (line == "leave") await InTurns(LeaveAsync);
    else if (line.StartsWith("say ", StringComparison.Ordinal)) await InTurns(SayAsync);
    Console.WriteLine("done");

    async Task SayAsync(int place)
    {
        if (clients[place] is { } client) await client.AskAsync(line[4..]);
    }
}

return 0;

// Each place of the list once, as many at the same time as the order says.
Task InTurns(Func<int, Task> step) => Task.WhenAll(Enumerable.Range(0, order.AtOnce).Select(async _ =>
{
    for (var place = Interlocked.Increment(ref next); place < order.Count; place = Interlocked.Increment(ref next))
    {
        try
        {
            await step(place);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            Console.Error.WriteLine($"client {place + 1}: {e.Message}");
            Environment.Exit(1);
        }
    }
}));

async Task LogInAsync(int place)
{
    var number = order.First + place;
    var client = await Client.LogInAsync(pooler, order.UserOf(number), order.DatabaseOf(number), order.IsEncrypted);
    for (var i = 0; i < order.Statements; i++)
        await client.PrepareAsync($"s{i}", Filled(order.Text, i).Replace("@", Filled("#", number), StringComparison.Ordinal));
    if (order.Query is { } query) await client.AskAsync(Filled(query, number));
    if (order.Asked is { } asked) await client.SayAsync(Filled(asked, number));
    if ((long)(place + 1) * order.Hold / order.Count > (long)place * order.Hold / order.Count) clients[place] = client;
    else await client.LeaveAsync();
}

async Task LeaveAsync(int place)
{
    if (clients[place] is not { } client) return;
    clients[place] = null;
    await client.LeaveAsync();
}

static string Filled(string text, int number) =>
    text.Replace("#", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
