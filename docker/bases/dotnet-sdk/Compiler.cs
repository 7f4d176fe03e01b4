// From sources to a program, with Mono's compiler and the assemblies of the runtime itself.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;

namespace StandIn
{
    public sealed class Compiler
    {
        /// <summary>The file beside the output that says from what it was made.</summary>
        public const string Stamp = ".inputs";

        private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location);

        // What most programs use. With all assemblies the compiler takes three times as long.
        private static readonly string[] Usual =
        {
            "System.Collections", "System.Collections.Concurrent", "System.ComponentModel.Primitives", "System.Console",
            "System.Diagnostics.Process", "System.IO.FileSystem", "System.Linq", "System.Memory", "System.Net.Http",
            "System.Net.HttpListener", "System.Net.Primitives", "System.Net.Sockets", "System.ObjectModel",
            "System.Private.CoreLib", "System.Private.Uri", "System.Runtime", "System.Runtime.Extensions",
            "System.Runtime.InteropServices", "System.Text.Encoding.Extensions", "System.Text.Json",
            "System.Text.RegularExpressions", "System.Threading", "System.Threading.Tasks", "System.Threading.Thread",
        };

        private readonly string configuration;
        private readonly bool restores;

        public Compiler(string configuration, bool restores)
        {
            this.configuration = configuration;
            this.restores = restores;
        }

        /// <summary>Build a project and what it refers to, unless it is up to date; returns its assembly.</summary>
        public string Build(Project project)
        {
            foreach (var one in project.WithReferences())
            {
                RequireRestored(one);
                Compile(one);
            }
            return project.Output(configuration);
        }

        private void RequireRestored(Project project)
        {
            if (!restores && !File.Exists(project.AssetsFile))
            {
                throw new Refusal($"Assets file '{project.AssetsFile}' not found", "`--no-restore` needs a `dotnet restore` before it, as with the real one");
            }
        }

        private void Compile(Project project)
        {
            var output = project.Output(configuration);
            var folder = Path.GetDirectoryName(output);
            var stamp = Path.Combine(folder, Stamp);
            var sources = project.Sources().ToList();
            var built = project.WithReferences().Where(one => one != project && one.File != project.File).Select(one => one.Output(configuration)).ToList();
            var inputs = string.Join("\n", sources.Concat(built).Append(project.File).Select(Describe));
            if (File.Exists(output) && File.Exists(stamp) && File.ReadAllText(stamp) == inputs) { return; }

            // In a folder of its own: an assembly is named after its file, and nobody should find half of it.
            var drafts = Path.Combine(folder, $".draft-{Process.GetCurrentProcess().Id}");
            Directory.CreateDirectory(drafts);
            try
            {
                var draft = Path.Combine(drafts, Path.GetFileName(output));
                var usual = Usual.Select(name => Path.Combine(Framework, name + ".dll"));
                var all = Directory.GetFiles(Framework, "*.dll");
                var arguments = Arguments(project, sources, built, draft).ToList();
                if (!Native.Succeeds("mcs", arguments.Concat(usual.Select(file => "-r:" + file))) &&
                    Native.Run("mcs", arguments.Concat(all.Select(file => "-r:" + file))) != 0)
                {
                    throw new BuildFailed();
                }
                Native.Rename(draft, output);
            }
            finally
            {
                Directory.Delete(drafts, recursive: true);
            }
            foreach (var file in built) { CopyWithSettings(file, folder); }
            if (project.IsProgram) { WriteSettings(output); }
            File.WriteAllText(stamp, inputs);
        }

        private IEnumerable<string> Arguments(Project project, IEnumerable<string> sources, IEnumerable<string> built, string draft)
        {
            var constants = "TRACE;NETCOREAPP;NETCOREAPP3_1" + (configuration == "Release" ? ";RELEASE" : ";DEBUG");
            yield return "-nologo";
            yield return "-nostdlib";
            yield return "-noconfig";
            yield return "-langversion:latest";
            yield return "-nowarn:1701,1702"; // versions of references that differ, as in the real SDK
            yield return $"-define:{(project.Constants == "" ? constants : constants + ";" + project.Constants)}";
            yield return project.IsProgram ? "-target:exe" : "-target:library";
            if (configuration == "Release") { yield return "-optimize"; }
            if (project.WarningsAreErrors) { yield return "-warnaserror"; }
            foreach (var file in built) { yield return "-r:" + file; }
            yield return "-out:" + draft;
            foreach (var file in sources) { yield return file; }
        }

        private static void CopyWithSettings(string assembly, string folder)
        {
            foreach (var file in new[] { assembly, Path.ChangeExtension(assembly, ".runtimeconfig.json") })
            {
                if (File.Exists(file)) { File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true); }
            }
        }

        private static void WriteSettings(string assembly)
        {
            var version = Path.GetFileName(Framework);
            var text = "{\"runtimeOptions\": {\"framework\": {\"name\": \"Microsoft.NETCore.App\", \"version\": \"" + version + "\"}}}\n";
            File.WriteAllText(Path.ChangeExtension(assembly, ".runtimeconfig.json"), text);
        }

        private static string Describe(string file)
        {
            var info = new FileInfo(file);
            return $"{file} {info.LastWriteTimeUtc.Ticks} {info.Length}";
        }
    }
}
