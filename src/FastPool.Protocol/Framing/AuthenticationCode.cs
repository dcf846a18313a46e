namespace FastPool.Protocol;

/// <summary>The kinds of authentication request. Source: PostgreSQL, Message Formats.</summary>
public static class AuthenticationCode
{
    public const int Ok = 0;
    public const int KerberosV5 = 2;
    public const int CleartextPassword = 3;
    public const int MD5Password = AuthenticationMD5Password.Code;
    public const int GSS = 7;
    public const int GSSContinue = 8;
    public const int SSPI = 9;
    public const int SASL = AuthenticationSASL.Code;
    public const int SASLContinue = AuthenticationSASLContinue.Code;
    public const int SASLFinal = AuthenticationSASLFinal.Code;
}
