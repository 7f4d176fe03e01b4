using System;
using System.Threading;

namespace Visits
{
    /// <summary>Starts the service on PORT, or 8080, and ends it on SIGTERM.</summary>
    public static class Program
    {
        public static void Main()
        {
#if NET6_0_OR_GREATER
            // Since .NET 10 the runtime leaves SIGTERM alone, and the kernel does not end the first process of a container.
            using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGTERM, _ => Environment.Exit(128 + 15));
#endif
            var port = int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "8080");
            using (var server = new Server(port))
            {
                Console.WriteLine($"listening on port {port}");
                Thread.Sleep(Timeout.Infinite);
            }
        }
    }
}
