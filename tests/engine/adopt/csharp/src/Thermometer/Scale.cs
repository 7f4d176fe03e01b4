using System.Globalization;

namespace Thermometer
{
    public static class Scale
    {
        public const string Unit = "Celsius";

        public static string Describe(double degrees)
        {
            return degrees.ToString("0.0", CultureInfo.InvariantCulture) + " " + Unit;
        }
    }
}
