using System.Runtime.CompilerServices;

namespace FastPool.Base;

/// <summary>Room in arrays that a crowd has made large. At rest it is given back, see <see cref="MemoryRest"/>.</summary>
public static class SpareRoom
{
    private const int Tolerated = 2; // So many times what is used: a few that come and go need no other array.

    /// <param name="array">Its first elements are in use, the rest are not.</param>
    /// <param name="used">How many are.</param>
    /// <param name="least">So much room there is at the beginning.</param>
    public static void GiveBack<T>(ref T[] array, int used, int least)
    {
        var room = Math.Max(used, least);
        if (array.Length <= room * Tolerated) return;
        var bytes = (long)array.Length * Unsafe.SizeOf<T>();
        Array.Resize(ref array, room);
        GivenUp.AddSpare(bytes); // Last: a collection before would find it in use.
    }
}
