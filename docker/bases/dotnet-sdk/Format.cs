// `dotnet format`: whitespace only, of the kinds that need no knowledge of C#.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace StandIn
{
    public static class Format
    {
        private const int HasChanges = 2;

        /// <summary>Repair the project's files, or with verify only name what would change. The status is dotnet format's.</summary>
        public static int Run(Project project, bool verify)
        {
            var found = 0;
            foreach (var file in project.Sources())
            {
                var text = File.ReadAllText(file);
                var lines = text.Split('\n');
                var clean = lines.Select(Clean).ToList();
                for (var i = 0; i < lines.Length; i++)
                {
                    if (lines[i] == clean[i]) { continue; }
                    found++;
                    if (verify) { Console.WriteLine($"{file}({i + 1},1): error WHITESPACE: Fix whitespace formatting. [{project.File}]"); }
                }
                if (!verify) { Repair(file, text, string.Join("\n", clean)); }
            }
            return verify && found > 0 ? HasChanges : 0;
        }

        private static string Clean(string line)
        {
            var end = line.EndsWith("\r") ? "\r" : "";
            var text = line.TrimEnd();
            var indent = text.Length - text.TrimStart().Length;
            return text.Substring(0, indent).Replace("\t", "    ") + text.Substring(indent) + end;
        }

        private static void Repair(string file, string before, string after)
        {
            if (before == after) { return; }
            File.WriteAllText(file, after);
            Console.WriteLine($"  Formatted code file '{file}'.");
        }
    }
}
