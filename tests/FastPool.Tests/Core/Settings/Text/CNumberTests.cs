namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class CNumberTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("6432", 6432)]
    [InlineData(" \t7", 7)]
    [InlineData("+5", 5)]
    [InlineData("-5", -5)]
    [InlineData("010", 8)]
    [InlineData("06432", 3354)]
    [InlineData("0777", 511)]
    [InlineData("0x1F", 31)]
    [InlineData("0XfF", 255)]
    [InlineData("-0x10", -16)]
    [InlineData("4294967296", 0)]
    [InlineData("99999999999", 1215752191)]
    [InlineData("9223372036854775807", -1)]
    [InlineData("9223372036854775808", -1)]
    [InlineData("99999999999999999999999999", -1)]
    [InlineData("-9223372036854775808", 0)]
    [InlineData("-99999999999999999999999999", 0)]
    public void Int_is_strtol_with_base_0_cut_to_32_bits(string text, int value)
    {
        Assert.True(CNumber.TryInt(text, out var parsed));
        Assert.Equal(value, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("+")]
    [InlineData("- 5")]
    [InlineData("5 ")]
    [InlineData("5x")]
    [InlineData("08")]
    [InlineData("0x")]
    [InlineData("0xg")]
    [InlineData("1.5")]
    [InlineData("on")]
    [InlineData("yes")]
    [InlineData("true")]
    public void Int_refuses_what_strtol_does_not_consume(string text) => Assert.False(CNumber.TryInt(text, out _));

    [Theory]
    [InlineData("0", 0u)]
    [InlineData("-1", 4294967295u)]
    [InlineData("4294967297", 1u)]
    [InlineData("0x7fffffff", 2147483647u)]
    [InlineData("99999999999999999999999999", 4294967295u)]
    [InlineData("-99999999999999999999999999", 4294967295u)]
    public void UInt_is_strtoul_with_base_0_cut_to_32_bits(string text, uint value)
    {
        Assert.True(CNumber.TryUInt(text, out var parsed));
        Assert.Equal(value, parsed);
        Assert.False(CNumber.TryUInt(text + "x", out _));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 0)]
    [InlineData(" 12abc", 12)]
    [InlineData("010", 10)]
    [InlineData("0x10", 0)]
    [InlineData("-3", -3)]
    [InlineData("5432,5433", 5432)]
    [InlineData("1.9", 1)]
    public void Atoi_takes_the_leading_decimal(string text, int value) => Assert.Equal(value, CNumber.Atoi(text));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("-0.0", 0)]
    [InlineData("15", 15_000_000)]
    [InlineData("0.5", 500_000)]
    [InlineData(".25", 250_000)]
    [InlineData("5.", 5_000_000)]
    [InlineData(" 2", 2_000_000)]
    [InlineData("+2", 2_000_000)]
    [InlineData("1e3", 1_000_000_000)]
    [InlineData("1E-3", 1_000)]
    [InlineData("1e+2", 100_000_000)]
    [InlineData("0x10", 16_000_000)]
    [InlineData("0x1p4", 16_000_000)]
    [InlineData("0x.8", 500_000)]
    [InlineData("0x1.8p-1", 750_000)]
    [InlineData("0.0000019", 1)]
    [InlineData("1e-300", 0)]
    [InlineData("0e-400", 0)]
    [InlineData("3600.12", 3_600_120_000)]
    public void Seconds_are_truncated_to_microseconds(string text, long valueUs)
    {
        Assert.True(CNumber.TrySeconds(text, out var parsed));
        Assert.Equal(valueUs, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("5s")]
    [InlineData("5 ")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1,5")]
    [InlineData("1.2.3")]
    [InlineData("-1")]
    [InlineData("-0.001")]
    [InlineData("1e400")]
    [InlineData("1e-400")]
    [InlineData("1e-310")]
    [InlineData("0x")]
    [InlineData("0x1p")]
    [InlineData("0x1p99999")]
    [InlineData("0x1p-99999")]
    [InlineData("inf")]
    [InlineData("nan")]
    [InlineData("1e20")]
    public void Seconds_refuse_junk_negatives_and_what_does_not_fit(string text) =>
        Assert.False(CNumber.TrySeconds(text, out _));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(500_000, "0.5")]
    [InlineData(3_600_000_000, "3600")]
    [InlineData(1_000_000_000_000, "1e+06")]
    [InlineData(1_234_567_000_000, "1.23457e+06")]
    [InlineData(10, "1e-05")]
    [InlineData(100, "0.0001")]
    [InlineData(123, "0.000123")]
    [InlineData(3_600_120_000, "3600.12")]
    [InlineData(100_000_000_000, "100000")]
    [InlineData(999_999_500_000, "1e+06")]
    [InlineData(999_999_400_000, "999999")]
    public void Seconds_are_printed_by_percent_g(long valueUs, string text) => Assert.Equal(text, CNumber.FormatSeconds(valueUs));

    [Theory]
    [InlineData(1_234_565.0, "1.23456e+06")]
    [InlineData(1_234_575.0, "1.23458e+06")]
    [InlineData(0.5, "0.5")]
    [InlineData(-1.5, "-1.5")]
    [InlineData(1e100, "1e+100")]
    public void Percent_g_rounds_half_to_even(double value, string text) => Assert.Equal(text, CNumber.FormatG(value));
}
