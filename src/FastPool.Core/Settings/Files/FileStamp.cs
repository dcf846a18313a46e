namespace FastPool.Core.Settings;

/// <summary>Tells one state of a file from another without reading it. Equal stamps: nothing to read again.</summary>
/// <param name="Exists">False: the other fields are zero.</param>
/// <param name="Identity">Tells a file from the one that was renamed over it: inode number or time of birth.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">Time of the last change, in whatever unit the implementation has.</param>
/// <param name="Mode">Permission bits: a file that became readable has to be tried again.</param>
public readonly record struct FileStamp(bool Exists, long Identity, long Size, long Modified, int Mode);
