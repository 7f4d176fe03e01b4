// A project file, as far as it is understood: whatever might change the result and is not understood is refused.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml;
using System.Xml.Linq;

namespace StandIn
{
    public sealed class Project
    {
        // Properties that change nothing in what is compiled here, or nothing with any value.
        private static readonly HashSet<string> Harmless = new HashSet<string>
        {
            "OutputType", "AssemblyName", "LangVersion", "DefineConstants", "TreatWarningsAsErrors", "TargetFramework",
            "RootNamespace", "IsPackable", "IsTestProject", "InvariantGlobalization", "Version", "Description", "Authors",
            "SatelliteResourceLanguages", "UseAppHost", "DebugType", "EnforceCodeStyleInBuild", "Deterministic",
        };

        private readonly Dictionary<string, string> properties = new Dictionary<string, string>();
        private readonly List<string> removed = new List<string>();
        private readonly List<string> references = new List<string>();

        public string File { get; }
        public string Folder => Path.GetDirectoryName(File);
        public string Name => Property("AssemblyName", Path.GetFileNameWithoutExtension(File));
        public bool IsProgram => Property("OutputType", "Library").Equals("Exe", StringComparison.OrdinalIgnoreCase);
        public bool WarningsAreErrors => Property("TreatWarningsAsErrors", "false").Equals("true", StringComparison.OrdinalIgnoreCase);
        public string Constants => Property("DefineConstants", "").Replace("$(DefineConstants)", "").Trim(';');

        public string ObjectFolder => Place("obj", "obj", "");
        public string AssetsFile => Path.Combine(ObjectFolder, "project.assets.json");
        public string Output(string configuration) => Path.Combine(Place("bin", "bin", configuration), Name + ".dll");
        public string PublishFolder(string configuration) => Place("publish", "bin/publish", configuration);

        private Project(string file)
        {
            File = file;
        }

        /// <summary>The project in a file, or the only one in a folder.</summary>
        public static Project Load(string path)
        {
            var file = Path.GetFullPath(path);
            if (Directory.Exists(file))
            {
                var found = Directory.GetFiles(file, "*.csproj");
                if (found.Length != 1)
                {
                    throw new Refusal($"there are {found.Length} *.csproj files in {file}", "name the one that is meant");
                }
                file = found[0];
            }
            if (!System.IO.File.Exists(file) || Path.GetExtension(file) != ".csproj")
            {
                throw new Refusal($"{file} is not a C# project file", "it reads *.csproj, no solutions and no other languages");
            }
            var project = new Project(file);
            project.Read();
            return project;
        }

        /// <summary>Itself after the projects that it refers to, each once.</summary>
        public IReadOnlyList<Project> WithReferences()
        {
            var all = new List<Project>();
            foreach (var one in References().SelectMany(reference => reference.WithReferences()).Append(this))
            {
                if (all.All(other => other.File != one.File)) { all.Add(one); }
            }
            return all;
        }

        public IEnumerable<Project> References() =>
            references.Select(reference => Load(Path.Combine(Folder, reference.Replace('\\', '/'))));

        /// <summary>The source files: every *.cs below the project, without outputs and what Compile Remove names.</summary>
        public IEnumerable<string> Sources() => Below(Folder).OrderBy(file => file, StringComparer.Ordinal);

        private IEnumerable<string> Below(string folder)
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*.cs"))
            {
                if (!IsRemoved(file)) { yield return file; }
            }
            foreach (var child in Directory.EnumerateDirectories(folder))
            {
                var name = Path.GetFileName(child);
                if (name.StartsWith(".") || IsRemoved(child + "/") || (folder == Folder && (name == "bin" || name == "obj"))) { continue; }
                foreach (var file in Below(child)) { yield return file; }
            }
        }

        private bool IsRemoved(string path)
        {
            var relative = Path.GetRelativePath(Folder, path) + (path.EndsWith("/") ? "/" : "");
            return removed.Any(pattern => pattern.EndsWith("/") ? relative.Replace("//", "/").StartsWith(pattern) : relative == pattern);
        }

        private void Read()
        {
            XElement root;
            try
            {
                root = XElement.Parse(System.IO.File.ReadAllText(File));
            }
            catch (XmlException error)
            {
                throw new Refusal($"{File} is not XML: {error.Message}", "nothing can read it");
            }
            RefuseBuildFiles();
            var sdk = (string)root.Attribute("Sdk") ?? "";
            if (sdk != "Microsoft.NET.Sdk")
            {
                throw new Refusal($"{File} uses the SDK '{sdk}'", "it has Microsoft.NET.Sdk only, and no ASP.NET Core");
            }
            foreach (var group in root.Elements())
            {
                RefuseCondition(group);
                foreach (var element in group.Elements())
                {
                    RefuseCondition(element);
                    if (group.Name.LocalName == "PropertyGroup") { ReadProperty(element); }
                    else if (group.Name.LocalName == "ItemGroup") { ReadItem(element); }
                }
                if (group.Name.LocalName != "PropertyGroup" && group.Name.LocalName != "ItemGroup")
                {
                    throw new Refusal($"{File} has <{group.Name.LocalName}>", "it is no MSBuild, and runs no targets and no imports");
                }
            }
        }

        private void ReadProperty(XElement element)
        {
            var name = element.Name.LocalName;
            var off = element.Value.Trim() == "disable" || element.Value.Trim() == "false";
            if (!Harmless.Contains(name) && !off)
            {
                throw new Refusal($"{File} sets {name} to '{element.Value.Trim()}'", "it does not know what that does");
            }
            if (element.Value.Replace("$(DefineConstants)", "").Contains("$("))
            {
                throw new Refusal($"{File} uses a property in {name}", "it is no MSBuild, and expands none");
            }
            properties[name] = element.Value.Trim();
        }

        private void ReadItem(XElement element)
        {
            var name = element.Name.LocalName;
            var include = (string)element.Attribute("Include");
            var remove = (string)element.Attribute("Remove");
            if (name == "ProjectReference" && include != null) { references.Add(include); }
            else if (name == "Compile" && remove != null && remove.TrimEnd('*').IndexOf('*') < 0)
            {
                removed.Add(remove.Replace('\\', '/').TrimEnd('*'));
            }
            else if (name == "PackageReference")
            {
                throw new Refusal($"{File} needs the package {include}", "it has no NuGet, so that a project may have no packages");
            }
            else
            {
                throw new Refusal($"{File} has <{name}> with '{include ?? remove}'", "it knows ProjectReference, and Compile with Remove of a file or a folder");
            }
        }

        private void RefuseCondition(XElement element)
        {
            if (element.Attribute("Condition") != null)
            {
                throw new Refusal($"{File} has a condition at <{element.Name.LocalName}>", "it is no MSBuild, and evaluates none");
            }
        }

        private void RefuseBuildFiles()
        {
            for (var folder = Folder; folder != null; folder = Path.GetDirectoryName(folder))
            {
                foreach (var name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
                {
                    var file = Path.Combine(folder, name);
                    if (System.IO.File.Exists(file)) { throw new Refusal($"{file} applies to {File}", "it is no MSBuild, and does not read it"); }
                }
            }
        }

        private string Property(string name, string otherwise) => properties.TryGetValue(name, out var value) ? value : otherwise;

        // ArtifactsPath moves outputs out of the project, as in the real SDK since .NET 8.
        private string Place(string kind, string local, string configuration)
        {
            var artifacts = Environment.GetEnvironmentVariable("ArtifactsPath");
            return string.IsNullOrEmpty(artifacts)
                ? Path.Combine(Folder, local, configuration)
                : Path.Combine(artifacts, kind, Path.GetFileNameWithoutExtension(File), configuration.ToLowerInvariant());
        }
    }
}
