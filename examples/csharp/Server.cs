using System;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Visits
{
    /// <summary>GET / counts a visit, GET /health tells that it works, GET /metrics is for Prometheus.</summary>
    public sealed class Server : IDisposable
    {
        private const string Service = "visits";
        private readonly HttpListener listener = new HttpListener();
        private readonly Metrics metrics = new Metrics();
        private int visits;

        /// <summary>Listens on this port of all addresses, and answers in the background until it is disposed of.</summary>
        public Server(int port)
        {
            listener.Prefixes.Add($"http://*:{port}/");
            listener.Start();
            Task.Run(Serve);
        }

        public void Dispose()
        {
            listener.Close();
        }

        private async Task Serve()
        {
            while (true)
            {
                HttpListenerContext context;
                try
                {
                    context = await listener.GetContextAsync();
                }
                catch (Exception error) when (error is ObjectDisposedException || error is HttpListenerException)
                {
                    return; // closed
                }
                _ = Task.Run(() => Handle(context));
            }
        }

        private void Handle(HttpListenerContext context)
        {
            var watch = Stopwatch.StartNew();
            var path = context.Request.Url.AbsolutePath;
            // One series for each route, not for each path that somebody asks for.
            var route = path == "/" || path == "/health" || path == "/metrics" ? path : "unmatched";
            var status = 500;
            try
            {
                status = route == "unmatched" ? 404 : 200;
                var type = route == "/metrics" ? "text/plain; version=0.0.4; charset=utf-8" : "application/json";
                Answer(context.Response, status, type, Body(route));
            }
            catch (HttpListenerException)
            {
                // The client has gone.
            }
            finally
            {
                metrics.Observe(context.Request.HttpMethod, route, status, watch.Elapsed.TotalSeconds);
            }
        }

        private string Body(string route)
        {
            switch (route)
            {
                case "/": return $"{{\"service\":\"{Service}\",\"visits\":{Interlocked.Increment(ref visits)}}}";
                case "/health": return "{\"status\":\"ok\"}";
                case "/metrics": return metrics.Text();
                default: return "{\"error\":\"not found\"}";
            }
        }

        private static void Answer(HttpListenerResponse response, int status, string type, string body)
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            response.StatusCode = status;
            response.ContentType = type;
            response.ContentLength64 = bytes.Length;
            response.OutputStream.Write(bytes, 0, bytes.Length);
            response.Close();
        }
    }
}
