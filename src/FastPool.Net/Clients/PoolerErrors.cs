using System.Text;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>Errors of the pooler's own, as bytes.</summary>
internal static class PoolerErrors
{
    internal static byte[] Fatal(Ending ending, bool hasDetails)
    {
        var sqlState = Encoding.Latin1.GetBytes(ending.SqlState);
        var message = Encoding.Latin1.GetBytes(ending.Message!);
        var detail = Encoding.Latin1.GetBytes(hasDetails && ending.Detail is { } text ? text.Replace('\0', ' ') : "");
        var bytes = new byte[PoolerError.Size("FATAL"u8, sqlState, message, detail)];
        PoolerError.Write(bytes, "FATAL"u8, sqlState, message, detail);
        return bytes;
    }

    /// <summary>As PostgreSQL says it.</summary>
    internal static byte[] Canceled()
    {
        var severity = "ERROR"u8;
        var sqlState = "57014"u8;
        var message = "canceling statement due to user request"u8;
        var bytes = new byte[PoolerError.Size(severity, sqlState, message)];
        PoolerError.Write(bytes, severity, sqlState, message);
        return bytes;
    }

    internal static byte[] Notice(string text)
    {
        var message = Encoding.Latin1.GetBytes(text);
        var bytes = new byte[PoolerNotice.Size(message)];
        PoolerNotice.Write(bytes, message);
        return bytes;
    }
}
