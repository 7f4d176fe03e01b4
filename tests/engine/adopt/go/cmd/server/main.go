package main

import (
	"log"
	"net/http"
	"os"

	"example.com/quotes/internal/quotes"
)

func main() {
	addr := ":" + getenv("PORT", "9090")
	log.Printf("listening on %s", addr)
	log.Fatal(http.ListenAndServe(addr, quotes.Handler()))
}

func getenv(name, fallback string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return fallback
}
