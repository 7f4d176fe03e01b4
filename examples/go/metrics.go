package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Upper bounds in seconds: on a developer's machine most answers take less than 5 ms, where the libraries' own begin.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Asked for by machines every few seconds: they would hide what people ask for.
var notCounted = []string{"/health", "/metrics"}

// What else clients send as a method would add series without end.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// series is what is counted for one method and route.
type series struct {
	statuses map[int]int
	counts   []int // of each bucket, and of what is above the last one
	sum      float64
}

// metrics counts and times requests, with one series per route: the number of paths asked for has no bound.
type metrics struct {
	mutex  sync.Mutex
	routes map[string]*series
}

func newMetrics() *metrics {
	return &metrics{routes: map[string]*series{}}
}

// recorder keeps the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// measure counts and times what the mux answers.
func (m *metrics) measure(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_, pattern := mux.Handler(request)
		route, method := "unmatched", request.Method
		if _, path, found := strings.Cut(pattern, " "); found {
			route = strings.TrimSuffix(path, "{$}")
		}
		if slices.Contains(notCounted, route) {
			mux.ServeHTTP(w, request)
			return
		}
		if !slices.Contains(methods, method) {
			method = "other"
		}
		began, recorded := time.Now(), &recorder{w, http.StatusOK}
		defer func() { m.observe(method, route, recorded.status, time.Since(began)) }()
		mux.ServeHTTP(recorded, request)
	})
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	labels := fmt.Sprintf("method=%q,route=%q", method, route)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	found := m.routes[labels]
	if found == nil {
		found = &series{statuses: map[int]int{}, counts: make([]int, len(buckets)+1)}
		m.routes[labels] = found
	}
	bucket, _ := slices.BinarySearch(buckets, took.Seconds())
	found.counts[bucket]++
	found.statuses[status]++
	found.sum += took.Seconds()
}

// ServeHTTP writes everything in Prometheus' text format.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.write(w)
}

func (m *metrics) write(w io.Writer) {
	routes := slices.Sorted(maps.Keys(m.routes))
	fmt.Fprintln(w, "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter")
	for _, labels := range routes {
		statuses := m.routes[labels].statuses
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			fmt.Fprintf(w, "http_requests_total{%s,status=\"%d\"} %d\n", labels, status, statuses[status])
		}
	}
	const duration = "http_request_duration_seconds"
	fmt.Fprintf(w, "# HELP %s Time to answer a request.\n# TYPE %s histogram\n", duration, duration)
	for _, labels := range routes {
		found, total := m.routes[labels], 0
		for i, count := range found.counts {
			total += count
			bound := "+Inf"
			if i < len(buckets) {
				bound = strconv.FormatFloat(buckets[i], 'g', -1, 64)
			}
			fmt.Fprintf(w, "%s_bucket{%s,le=%q} %d\n", duration, labels, bound, total)
		}
		fmt.Fprintf(w, "%s_sum{%s} %g\n%s_count{%s} %d\n", duration, labels, found.sum, duration, labels, total)
	}
}
