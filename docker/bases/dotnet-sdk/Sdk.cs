// The verbs of `dotnet` that a Dockerfile for a simple C# project needs. It is a stand-in, and says so when it gives up.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace StandIn
{
    /// <summary>What cannot be done here; its message ends the program with status 1.</summary>
    public sealed class Refusal : Exception
    {
        public Refusal(string what, string missing) : base(
            $"error: {what}\ncause: this `dotnet` is a stand-in for the .NET SDK, made of .NET Core 3.1 and Mono's C# compiler: {missing}\n" +
            "try: docker pull mcr.microsoft.com/dotnet/sdk:10.0") { }
    }

    /// <summary>A build that failed: the compiler has said why.</summary>
    public sealed class BuildFailed : Exception { }

    public static class Sdk
    {
        private static readonly string[] Verbs = { "restore", "build", "publish", "run", "watch", "format", "test" };
        private const string Usage =
            "usage: dotnet restore|build|publish|run|format [PROJECT] [OPTIONS]\n" +
            "       dotnet watch [--project PROJECT] [--non-interactive] [--no-hot-reload] run [OPTIONS]";

        public static int Main(string[] args)
        {
            try
            {
                return Run(args);
            }
            catch (Refusal refusal)
            {
                Console.Error.WriteLine(refusal.Message);
            }
            catch (BuildFailed)
            {
                Console.Error.WriteLine("Build FAILED.");
            }
            return 1;
        }

        private static int Run(string[] args)
        {
            var verb = args.FirstOrDefault() ?? "help";
            if (verb == "help" || verb == "--help" || verb == "-h")
            {
                Console.WriteLine(Usage);
                return 0;
            }
            if (verb == "--version")
            {
                Console.WriteLine(Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')));
                return 0;
            }
            if (!Verbs.Contains(verb))
            {
                throw new Refusal($"`dotnet {verb}` is not known", "it knows restore, build, publish, run, watch and format");
            }
            if (verb == "test")
            {
                throw new Refusal("`dotnet test` cannot run", "it has no test platform, which is a NuGet package. Tests that are a program run with `dotnet run --project tests`");
            }
            var options = new Options(verb, args.Skip(1));
            switch (verb)
            {
                case "restore": return Restore(options);
                case "build": return Build(options);
                case "publish": return Publish(options);
                case "run": return RunProgram(options);
                case "watch": return new Watcher(options).Run();
                default: return Format.Run(Project.Load(options.Project), options.Verify);
            }
        }

        private static int Restore(Options options)
        {
            foreach (var project in Project.Load(options.Project).WithReferences())
            {
                Directory.CreateDirectory(project.ObjectFolder);
                File.WriteAllText(project.AssetsFile, "{\"standIn\": \"a project without packages\"}\n");
                Console.WriteLine($"  Restored {project.File} (a stand-in's restore: there are no packages).");
            }
            return 0;
        }

        private static int Build(Options options)
        {
            var project = Project.Load(options.Project);
            var built = new Compiler(options.Configuration, options.Restore).Build(project);
            Console.WriteLine($"  {project.Name} -> {built}");
            Console.WriteLine("Build succeeded.");
            return 0;
        }

        private static int Publish(Options options)
        {
            var project = Project.Load(options.Project);
            var built = new Compiler(options.Configuration, options.Restore).Build(project);
            var target = options.Output ?? project.PublishFolder(options.Configuration);
            Directory.CreateDirectory(target);
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(built)))
            {
                if (Path.GetFileName(file) != Compiler.Stamp)
                {
                    File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
                }
            }
            Console.WriteLine($"  {project.Name} -> {target}");
            return 0;
        }

        private static int RunProgram(Options options)
        {
            var project = Project.Load(options.Project);
            var built = options.Compile
                ? new Compiler(options.Configuration, options.Restore).Build(project)
                : project.Output(options.Configuration);
            if (!project.IsProgram)
            {
                throw new Refusal($"{project.File} is a library", "only a project whose OutputType is Exe can be run");
            }
            // In the place of this process, so that signals and the exit status need no relay.
            return Native.Execute(new[] { Native.Host, built }.Concat(options.Arguments));
        }
    }

    /// <summary>The words after the verb.</summary>
    public sealed class Options
    {
        public string Project { get; private set; } = ".";
        public string Configuration { get; private set; }
        public string Output { get; private set; }
        public bool Restore { get; private set; } = true;
        public bool Compile { get; private set; } = true;
        public bool Verify { get; private set; }
        public List<string> Arguments { get; } = new List<string>();

        // What changes nothing here: there are no packages to lock, no launch profile, no hot reload, no native host, and
        // nobody is asked.
        private static readonly string[] Ignored =
        {
            "--nologo", "--locked-mode", "--no-launch-profile", "--non-interactive", "--no-hot-reload", "-p:UseAppHost=false",
        };

        public Options(string verb, IEnumerable<string> args)
        {
            Configuration = verb == "publish" ? "Release" : "Debug";
            var words = new Queue<string>(args);
            var positional = verb != "run" && verb != "watch";
            while (words.Count > 0)
            {
                var word = words.Dequeue();
                if (word == "--") { Arguments.AddRange(words); break; }
                if (verb == "watch" && word == "run") { continue; }
                if (verb == "format" && word == "whitespace") { continue; }
                if (Ignored.Contains(word)) { continue; }
                if (word == "--project") { Project = Next(word, words); }
                else if (word == "-c" || word == "--configuration") { Configuration = Next(word, words); }
                else if (word == "-o" || word == "--output") { Output = Next(word, words); }
                else if (word == "--no-restore") { Restore = false; }
                else if (word == "--no-build") { Compile = false; }
                else if (word == "--verify-no-changes") { Verify = true; }
                else if (positional && !word.StartsWith("-")) { Project = word; positional = false; }
                else { throw new Refusal($"`dotnet {verb}` was given {word}", "it does not know this option"); }
            }
        }

        private static string Next(string option, Queue<string> words) =>
            words.Count > 0 ? words.Dequeue() : throw new Refusal($"{option} has no value", "it needs one");
    }
}
