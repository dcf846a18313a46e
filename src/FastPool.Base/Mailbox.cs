namespace FastPool.Base;

/// <summary>A message to a loop: linked into one mailbox at a time, so that posting allocates nothing.</summary>
public abstract class Letter
{
    internal Letter? Next;
}

/// <summary>
/// Letters of many senders for one reader. A sender pushes; the reader takes everything at once, so no entry is ever
/// seen twice and no node is freed under a reader. The reader says when it sleeps: only then is a wake-up worth a
/// system call.
/// </summary>
public sealed class Mailbox
{
    private Letter? _top;
    private int _asleep;

    /// <returns>True when the reader sleeps and this sender is the one to wake it.</returns>
    public bool Post(Letter letter)
    {
        Letter? top;
        do
        {
            top = Volatile.Read(ref _top);
            letter.Next = top;
        }
        while (Interlocked.CompareExchange(ref _top, letter, top) != top); // Pairs: TakeAll.

        // Pairs: TryFallAsleep. The push above is visible before the word is read, so either the reader sees the letter or we see
        // it asleep.
        return Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1;
    }

    /// <summary>Declares the reader asleep. False when letters wait: then it must not sleep.</summary>
    public bool TryFallAsleep()
    {
        Interlocked.Exchange(ref _asleep, 1); // Pairs: Post.
        if (Volatile.Read(ref _top) is null) return true;
        Volatile.Write(ref _asleep, 0);
        return false;
    }

    public void WakeUp() => Volatile.Write(ref _asleep, 0);

    public bool IsEmpty => Volatile.Read(ref _top) is null;

    /// <summary>All letters, oldest first; follow them with <see cref="Pop"/>.</summary>
    public Letter? TakeAll()
    {
        if (Volatile.Read(ref _top) is null) return null;
        var letter = Interlocked.Exchange(ref _top, null); // Pairs: Post.
        Letter? oldest = null;
        while (letter is not null)
        {
            var next = letter.Next;
            letter.Next = oldest;
            oldest = letter;
            letter = next;
        }
        return oldest;
    }

    /// <summary>Takes the first off a list of <see cref="TakeAll"/>; the letter may be posted again from then on.</summary>
    public static Letter Pop(ref Letter? letters)
    {
        var first = letters!;
        letters = first.Next;
        first.Next = null;
        return first;
    }
}
