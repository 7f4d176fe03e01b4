using System;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Reflection;

namespace Visits.Tests
{
    /// <summary>Runs the tests: each public method of ServerTests. The exit status is 1 when one fails.</summary>
    public static class Program
    {
        public static int Main()
        {
            var tests = typeof(ServerTests).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly);
            var failed = tests.Count(test => !Passes(test));
            Console.WriteLine($"{tests.Length - failed} passed, {failed} failed");
            return failed > 0 ? 1 : 0;
        }

        private static bool Passes(MethodInfo test)
        {
            try
            {
                test.Invoke(new ServerTests(), null);
                Console.WriteLine($"passed {test.Name}");
                return true;
            }
            catch (TargetInvocationException error)
            {
                Console.WriteLine($"FAILED {test.Name}: {error.InnerException}");
                return false;
            }
        }
    }

    /// <summary>The service over HTTP.</summary>
    public sealed class ServerTests
    {
        private const string Service = "visits";

        public void VisitsAreCounted()
        {
            Serve(get =>
            {
                Equal($"{{\"service\":\"{Service}\",\"visits\":1}}", get("/").Body);
                Equal($"{{\"service\":\"{Service}\",\"visits\":2}}", get("/").Body);
            });
        }

        public void HealthIsOk()
        {
            Serve(get => Equal(HttpStatusCode.OK, get("/health").Status));
        }

        public void AnotherPathIsNotFound()
        {
            Serve(get => Equal(HttpStatusCode.NotFound, get("/no/such/page").Status));
        }

        public void MetricsHaveOneSeriesPerRoute()
        {
            Serve(get =>
            {
                get("/");
                get("/no/such/page");
                var text = get("/metrics").Body;
                Contains("http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 1\n", text);
                Contains("http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1\n", text);
                Contains("http_request_duration_seconds_count{method=\"GET\",route=\"/\"} 1\n", text);
                Equal(false, text.Contains("/no/such/page"));
            });
        }

        public void WhatMachinesAskForIsNotCounted()
        {
            Serve(get =>
            {
                get("/health");
                get("/metrics");
                var text = get("/metrics").Body;
                Equal(false, text.Contains("route=\"/health\""));
                Equal(false, text.Contains("route=\"/metrics\""));
            });
        }

        private sealed class Answer
        {
            public HttpStatusCode Status;
            public string Body;
        }

        private static void Serve(Action<Func<string, Answer>> test)
        {
            using (var server = new Server(0))
            using (var client = new HttpClient())
            {
                test(path =>
                {
                    var answer = client.GetAsync($"http://127.0.0.1:{server.Port}{path}").Result;
                    return new Answer { Status = answer.StatusCode, Body = answer.Content.ReadAsStringAsync().Result };
                });
            }
        }

        private static void Equal(object expected, object found)
        {
            if (!expected.Equals(found))
            {
                throw new InvalidOperationException($"expected {expected}, found {found}");
            }
        }

        private static void Contains(string expected, string text)
        {
            if (!text.Contains(expected))
            {
                throw new InvalidOperationException($"expected {expected} in {text}");
            }
        }
    }
}
