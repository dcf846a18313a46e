namespace FastPool.Life;

/// <summary>The receiver of signals. Called on the control thread, one after another.</summary>
public interface ISignalTarget
{
    void On(ProcessSignal signal);
}
