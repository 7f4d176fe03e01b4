// Processes: what the class library has no call for is libc's.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace StandIn
{
    public static class Native
    {
        public const int Sigterm = 15;
        private const int ExecFailed = 126;

        /// <summary>The dotnet host that started this program.</summary>
        public static string Host => "/usr/share/dotnet/dotnet";

        [DllImport("libc", SetLastError = true)]
        private static extern int kill(int process, int signal);

        [DllImport("libc", SetLastError = true)]
        private static extern int execv(string file, string[] arguments);

        [DllImport("libc", SetLastError = true)]
        private static extern int rename(string from, string to);

        public static void Signal(Process process, int signal) => kill(process.Id, signal);

        /// <summary>Put one file in the place of another in one step.</summary>
        public static void Rename(string from, string to)
        {
            if (rename(from, to) != 0) { throw new IOException($"cannot rename {from} to {to}"); }
        }

        /// <summary>Become this program; returns only when it cannot be started.</summary>
        public static int Execute(IEnumerable<string> words)
        {
            var all = words.ToList();
            execv(all[0], all.Append(null).ToArray());
            Console.Error.WriteLine($"error: {all[0]} cannot be started");
            return ExecFailed;
        }

        /// <summary>Start a program with our streams.</summary>
        public static Process Start(string file, IEnumerable<string> arguments)
        {
            var start = new ProcessStartInfo(file) { UseShellExecute = false };
            foreach (var argument in arguments) { start.ArgumentList.Add(argument); }
            return Process.Start(start);
        }

        /// <summary>Run a program to its end and tell whether it succeeded; what it wrote is shown only then.</summary>
        public static bool Succeeds(string file, IEnumerable<string> arguments)
        {
            var start = new ProcessStartInfo(file) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var argument in arguments) { start.ArgumentList.Add(argument); }
            using (var process = Process.Start(start))
            {
                var errors = process.StandardError.ReadToEndAsync();
                var said = process.StandardOutput.ReadToEnd() + errors.Result;
                process.WaitForExit();
                if (process.ExitCode == 0) { Console.Write(said); }
                return process.ExitCode == 0;
            }
        }

        /// <summary>Run a program to its end, with our streams; returns its status.</summary>
        public static int Run(string file, IEnumerable<string> arguments)
        {
            using (var process = Start(file, arguments))
            {
                process.WaitForExit();
                return process.ExitCode;
            }
        }
    }
}
