namespace FastPool.Net;

/// <summary>The cancel request that a connection has brought, as that connection sees it.</summary>
internal interface ICancel
{
    /// <summary>The connection that brought it is closed.</summary>
    void OnRequesterClosed();
}
