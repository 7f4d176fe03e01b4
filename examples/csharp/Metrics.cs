using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Visits
{
    /// <summary>Requests counted and timed for Prometheus. A service with packages would use prometheus-net.</summary>
    public sealed class Metrics
    {
        // Seconds: on a developer's machine most answers take less than 5 ms, where the libraries' own begin.
        private static readonly double[] Bounds = { .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10 };
        private readonly SortedDictionary<string, long> requests = new SortedDictionary<string, long>(StringComparer.Ordinal);
        private readonly SortedDictionary<string, List<double>> durations = new SortedDictionary<string, List<double>>(StringComparer.Ordinal);

        public void Observe(string method, string route, int status, double seconds)
        {
            var labels = $"method=\"{method}\",route=\"{route}\"";
            var counted = $"{labels},status=\"{status}\"";
            lock (requests)
            {
                requests.TryGetValue(counted, out var count);
                requests[counted] = count + 1;
                if (!durations.TryGetValue(labels, out var histogram))
                {
                    // One number for each bound, then the sum and the count.
                    durations[labels] = histogram = new List<double>(new double[Bounds.Length + 2]);
                }
                for (var i = 0; i < Bounds.Length; i++)
                {
                    histogram[i] += seconds <= Bounds[i] ? 1 : 0;
                }
                histogram[Bounds.Length] += seconds;
                histogram[Bounds.Length + 1] += 1;
            }
        }

        /// <summary>All series in the text format of Prometheus.</summary>
        public string Text()
        {
            var text = new StringBuilder();
            lock (requests)
            {
                text.Append("# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n");
                foreach (var one in requests)
                {
                    text.Append($"http_requests_total{{{one.Key}}} {one.Value}\n");
                }
                text.Append("# HELP http_request_duration_seconds Time to answer a request.\n");
                text.Append("# TYPE http_request_duration_seconds histogram\n");
                foreach (var one in durations)
                {
                    text.Append(Histogram(one.Key, one.Value));
                }
            }
            return text.ToString();
        }

        private static string Histogram(string labels, List<double> values)
        {
            const string Name = "http_request_duration_seconds";
            var count = Number(values[Bounds.Length + 1]);
            var buckets = Bounds.Select((bound, i) => $"{Name}_bucket{{{labels},le=\"{Number(bound)}\"}} {Number(values[i])}\n");
            return string.Concat(buckets)
                + $"{Name}_bucket{{{labels},le=\"+Inf\"}} {count}\n"
                + $"{Name}_sum{{{labels}}} {Number(values[Bounds.Length])}\n"
                + $"{Name}_count{{{labels}}} {count}\n";
        }

        private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }
}
