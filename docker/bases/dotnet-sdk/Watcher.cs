// `dotnet watch`: build, run, and again whenever a file of the project or of one that it refers to changes.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;

namespace StandIn
{
    public sealed class Watcher
    {
        private const int Interval = 100; // milliseconds
        private const int Patience = 5000;
        private readonly Options options;
        private readonly object guard = new object();
        private Process child;
        private bool ending;

        public Watcher(Options options)
        {
            this.options = options;
        }

        public int Run()
        {
            AppDomain.CurrentDomain.ProcessExit += (_, __) => { lock (guard) { ending = true; Stop(); } };
            Console.CancelKeyPress += (_, __) => Environment.Exit(130);
            while (true)
            {
                var seen = Look();
                BuildAndStart();
                while (Look() == seen)
                {
                    SayWhenEnded();
                    Thread.Sleep(Interval);
                }
                Say("a file changed");
                lock (guard) { Stop(); }
            }
        }

        /// <summary>Names, times and sizes of all files that matter. Polling sees every way of saving, on any file system.</summary>
        private string Look()
        {
            try
            {
                var projects = Project.Load(options.Project).WithReferences();
                var files = projects.SelectMany(project => project.Sources().Append(project.File));
                return string.Join("\n", files.Select(file => new FileInfo(file)).Select(file => $"{file.FullName} {file.LastWriteTimeUtc.Ticks} {file.Length}"));
            }
            catch (Exception error) when (error is Refusal || error is IOException)
            {
                return error.Message; // a file that is being replaced, or a project file with an error
            }
        }

        private void BuildAndStart()
        {
            try
            {
                var project = Project.Load(options.Project);
                var built = new Compiler(options.Configuration, options.Restore).Build(project);
                lock (guard)
                {
                    if (!ending) { child = Native.Start(Native.Host, new List<string>(options.Arguments.Prepend(built))); }
                }
                Say("started");
            }
            catch (Exception error) when (error is Refusal || error is BuildFailed || error is IOException)
            {
                Console.Error.WriteLine(error is BuildFailed ? "Build FAILED." : error.Message);
                Say("waiting for a file to change before restarting");
            }
        }

        private void Stop()
        {
            if (child == null) { return; }
            Native.Signal(child, Native.Sigterm);
            if (!child.WaitForExit(Patience)) { child.Kill(); }
            child.WaitForExit();
            child = null;
        }

        private void SayWhenEnded()
        {
            if (child == null || !child.HasExited) { return; }
            Say($"exited with status {child.ExitCode}; waiting for a file to change");
            child = null;
        }

        private static void Say(string what) => Console.Error.WriteLine($"dotnet watch : {what}");
    }
}
