package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
	return recorder
}

func TestVisitsAreCounted(t *testing.T) {
	handler := newHandler()
	for visits := 1; visits <= 2; visits++ {
		var got struct {
			Service string
			Visits  int
		}
		if err := json.Unmarshal(get(handler, "/").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Service != "visits" || got.Visits != visits {
			t.Errorf("visit %d: got %+v", visits, got)
		}
	}
}

func TestHealthIsOK(t *testing.T) {
	if got := strings.TrimSpace(get(newHandler(), "/health").Body.String()); got != `{"status":"ok"}` {
		t.Errorf("got %s", got)
	}
}

func TestMetricsHaveOneSeriesPerRoute(t *testing.T) {
	handler := newHandler()
	get(handler, "/")
	get(handler, "/no/such/page")
	text := get(handler, "/metrics").Body.String()
	for _, want := range []string{
		`http_requests_total{method="GET",route="/",status="200"} 1`,
		`http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`http_request_duration_seconds_bucket{method="GET",route="/",le="+Inf"} 1`,
		`http_request_duration_seconds_count{method="GET",route="/"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "/no/such/page") {
		t.Error("the number of series grows with the paths asked for")
	}
}

func TestWhatMachinesAskForIsNotCounted(t *testing.T) {
	handler := newHandler()
	get(handler, "/health")
	get(handler, "/metrics")
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("BREW", "/", nil))
	text := get(handler, "/metrics").Body.String()
	if strings.Contains(text, `route="/health"`) || strings.Contains(text, `route="/metrics"`) {
		t.Errorf("counted:\n%s", text)
	}
	if want := `http_requests_total{method="other",route="unmatched",status="405"} 1`; !strings.Contains(text, want+"\n") {
		t.Errorf("no %s in\n%s", want, text)
	}
}
