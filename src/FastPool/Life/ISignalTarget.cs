namespace FastPool.Life;

/// <summary>Whom signals concern. Called on the control thread, one after another.</summary>
public interface ISignalTarget
{
    void On(ProcessSignal signal);
}
