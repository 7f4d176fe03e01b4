using System;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Visits
{
    /// <summary>GET / counts a visit, GET /health tells that it works, GET /metrics is for Prometheus.</summary>
    /// <remarks>
    /// One request for each connection, on plain sockets: ASP.NET Core is not everywhere, and System.Net.HttpListener
    /// dies of a client that connects while it starts (dotnet/corefx#35191).
    /// </remarks>
    public sealed class Server : IDisposable
    {
        private const string Service = "visits";
        private const int Patience = 5000; // milliseconds
        private readonly TcpListener listener;
        private readonly Metrics metrics = new Metrics();
        private volatile bool isClosed;
        private int visits;

        /// <summary>Listens on this port of all addresses, and answers in the background until it is disposed of.</summary>
        public Server(int port)
        {
            listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            Task.Run(Serve);
        }

        /// <summary>The port: with 0, the system chose one.</summary>
        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public void Dispose()
        {
            isClosed = true;
            listener.Stop();
        }

        private async Task Serve()
        {
            while (true)
            {
                TcpClient client;
                try
                {
                    client = await listener.AcceptTcpClientAsync();
                }
                catch (Exception) when (isClosed)
                {
                    return;
                }
                _ = Task.Run(() => Handle(client));
            }
        }

        private void Handle(TcpClient client)
        {
            using (client)
            using (var stream = client.GetStream())
            {
                stream.ReadTimeout = stream.WriteTimeout = Patience;
                try
                {
                    var reader = new StreamReader(stream, Encoding.ASCII);
                    var words = (reader.ReadLine() ?? "").Split(' ');
                    while (!string.IsNullOrEmpty(reader.ReadLine())) { } // headers
                    if (words.Length == 3)
                    {
                        Answer(stream, words[0], words[1].Split('?')[0]);
                    }
                }
                catch (IOException)
                {
                    // The client has gone, or is too slow.
                }
            }
        }

        private void Answer(Stream stream, string method, string path)
        {
            var watch = Stopwatch.StartNew();
            // One series for each route, not for each path that somebody asks for.
            var route = path == "/" || path == "/health" || path == "/metrics" ? path : "unmatched";
            var status = method != "GET" ? 405 : route == "unmatched" ? 404 : 200;
            var type = status == 200 && route == "/metrics" ? "text/plain; version=0.0.4; charset=utf-8" : "application/json";
            var body = status == 200 ? Body(route) : $"{{\"error\":{status}}}";
            var answer = Encoding.UTF8.GetBytes(
                $"HTTP/1.1 {status} {(HttpStatusCode)status}\r\nContent-Type: {type}\r\n" +
                $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}");
            // Machines ask for the other two every few seconds: they would hide what people ask for.
            if (route == "/" || route == "unmatched")
            {
                // Before the client has the answer, so that what it asks for next includes this.
                metrics.Observe(method == "GET" ? method : "other", route, status, watch.Elapsed.TotalSeconds);
            }
            stream.Write(answer, 0, answer.Length);
        }

        private string Body(string route)
        {
            switch (route)
            {
                case "/": return $"{{\"service\":\"{Service}\",\"visits\":{Interlocked.Increment(ref visits)}}}";
                case "/health": return "{\"status\":\"ok\"}";
                default: return metrics.Text();
            }
        }
    }
}
