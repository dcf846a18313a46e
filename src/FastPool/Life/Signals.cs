using System.Runtime.InteropServices;
using FastPool.Control;
using FastPool.Control.Operations;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>Takes the signals of the process away from their defaults and hands them to the control thread.</summary>
internal sealed class Signals : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];

    internal Signals(ControlThread control, ISignalTarget target)
    {
        Identity.IgnoreBrokenPipes();
        var signals = Enum.GetValues<ProcessSignal>();

        // The runtime leaves an ignored signal ignored, and looks at more than one when the first is registered.
        foreach (var signal in signals) Identity.ResetSignal((int)signal);
        foreach (var signal in signals)
        {
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)(int)signal, context =>
            {
                context.Cancel = true; // Else the runtime lets the signal do what it does by default: end the process.
                control.Post(() => target.On(signal));
            }));
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }
}
