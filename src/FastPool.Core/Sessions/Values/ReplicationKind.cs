using System.Text;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

public enum ReplicationKind : byte
{
    None,
    /// <summary><c>replication=database</c>.</summary>
    Logical,
    /// <summary><c>replication=true</c>.</summary>
    Physical,
}
