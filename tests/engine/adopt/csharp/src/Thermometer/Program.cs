using System;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Thermometer
{
    public static class Program
    {
        public static void Main()
        {
            var port = int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "5080");
            var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            Console.WriteLine("listening on " + port);
            while (true)
            {
                using (var client = listener.AcceptTcpClient())
                {
                    Answer(client);
                }
            }
        }

        private static void Answer(TcpClient client)
        {
            var request = new byte[4096];
            var stream = client.GetStream();
            if (stream.Read(request, 0, request.Length) == 0)
            {
                return;
            }
            var body = Scale.Describe(21.5);
            var head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + body.Length + "\r\nConnection: close\r\n\r\n";
            var answer = Encoding.ASCII.GetBytes(head + body);
            stream.Write(answer, 0, answer.Length);
        }
    }
}
