package quotes

import (
	"net/http/httptest"
	"testing"
)

func TestQuote(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	if recorder.Code != 200 || recorder.Body.Len() == 0 {
		t.Fatalf("got %d %q", recorder.Code, recorder.Body)
	}
}
