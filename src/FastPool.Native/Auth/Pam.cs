using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native;

/// <summary>
/// The system's pluggable authentication modules. Each call may take as long as its modules like: never on a loop.
/// </summary>
public static unsafe partial class Pam
{
    private const string Library = SystemLibraries.Pam;
    private const int Success = 0;
    private const int ConversationError = 19;
    private const int RemoteHost = 4;
    private const int Silent = 0x8000;
    private const int PromptEchoOff = 1;
    private const int ErrorMessage = 3;

    [LibraryImport(Library)]
    private static partial int pam_start(byte* service, byte* user, Conversation* conversation,
        nint* handle);
    [LibraryImport(Library)] private static partial int pam_set_item(nint handle, int item, byte* value);
    [LibraryImport(Library)] private static partial int pam_authenticate(nint handle, int flags);
    [LibraryImport(Library)] private static partial int pam_acct_mgmt(nint handle, int flags);
    [LibraryImport(Library)] private static partial int pam_end(nint handle, int status);
    [LibraryImport(Library)] private static partial byte* pam_strerror(nint handle, int status);

    /// <summary>Whether the user is let in with the password, account rules included.</summary>
    /// <param name="host">Where the client is, for rules by origin.</param>
    /// <param name="warnings">Gets the lines for the log.</param>
    public static bool Check(string service, string user, string password, string host, List<string> warnings)
    {
        if (SystemLibraries.Load(Library) == 0)
        {
            warnings.Add("pam_start() failed: libpam.so.0 not found");
            return false;
        }
        var talk = GCHandle.Alloc(new Talk(CText.Of(password), warnings));
        try
        {
            fixed (byte* serviceText = CText.Of(service), userText = CText.Of(user), hostText = CText.Of(host))
            {
                var conversation = new Conversation { Answer = &Answer, Data = GCHandle.ToIntPtr(talk) };
                nint handle;
                var status = pam_start(serviceText, userText, &conversation, &handle);
                if (status != Success)
                {
                    warnings.Add("pam_start() failed: " + Text(0, status));
                    return false;
                }
                status = Ask(handle, hostText, host, warnings);
                _ = pam_end(handle, status);
                return status == Success;
            }
        }
        finally
        {
            talk.Free();
        }
    }

    private static int Ask(nint handle, byte* hostText, string host, List<string> warnings)
    {
        var status = pam_set_item(handle, RemoteHost, hostText);
        if (status != Success)
        {
            warnings.Add($"pam_set_item(): can't set PAM_RHOST to '{host}'");
            return status;
        }
        status = pam_authenticate(handle, Silent);
        if (status != Success)
        {
            warnings.Add("pam_authenticate() failed: " + Text(handle, status));
            return status;
        }
        status = pam_acct_mgmt(handle, Silent);
        if (status != Success) warnings.Add("pam_acct_mgmt() failed: " + Text(handle, status));
        return status;
    }

    private static string Text(nint handle, int status) =>
        Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(pam_strerror(handle, status)));

    /// <summary>Every hidden prompt gets the password; what the modules complain of is for the log.</summary>
    [UnmanagedCallersOnly]
    private static int Answer(int count, Message** messages, Response** responses, nint data)
    {
        var talk = (Talk)GCHandle.FromIntPtr(data).Target!;
        if (count <= 0) return ConversationError;
        // The modules free it, and what is in it.
        var answers = (Response*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(Response));
        for (var i = 0; i < count; i++)
        {
            if (messages[i]->Style == ErrorMessage)
            {
                talk.Warnings.Add("pam_conversation(): PAM error: "
                    + Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(messages[i]->Text)));
            }
            else if (messages[i]->Style == PromptEchoOff)
            {
                answers[i].Text = (byte*)NativeMemory.Alloc((nuint)talk.Password.Length);
                talk.Password.CopyTo(new Span<byte>(answers[i].Text, talk.Password.Length));
            }
        }
        *responses = answers;
        return Success;
    }

    private sealed record Talk(byte[] Password, List<string> Warnings);

    private struct Conversation
    {
        internal delegate* unmanaged<int, Message**, Response**, nint, int> Answer;
        internal nint Data;
    }

    private readonly struct Message(int style, byte* text)
    {
        internal readonly int Style = style;
        internal readonly byte* Text = text;
    }

    /// <summary>struct pam_response; its second field is unused.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct Response
    {
        internal byte* Text;
    }
}
