using System;

namespace Thermometer.Tests
{
    public static class Program
    {
        public static int Main()
        {
            var found = Scale.Describe(21.46);
            Console.WriteLine(found);
            return found.StartsWith("21.5 ", StringComparison.Ordinal) ? 0 : 1;
        }
    }
}
