// The web service: GET / counts a visit, GET /health tells that it works, GET /metrics is for Prometheus.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

const service = "visits"

// Only programs in the service's own network reach it: a profile tells how the service is made.
const profiles = "127.0.0.1:6060"

func newHandler() http.Handler {
	var visits atomic.Int64
	metrics := newMetrics()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"service": service, "visits": visits.Add(1)})
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"status": "ok"})
	})
	mux.Handle("GET /metrics", metrics)
	return metrics.measure(mux)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Print(err)
	}
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	// As the first process of a container it would not be ended by a signal that it does not handle.
	stopped, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: net.JoinHostPort("", port), Handler: newHandler()}
	go func() {
		<-stopped.Done()
		_ = server.Close()
	}()
	go func() { log.Print(http.ListenAndServe(profiles, nil)) }()
	log.Printf("%s listens on port %s", service, port)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
