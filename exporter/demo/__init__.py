"""The demo: a service, its history, a real Prometheus and a scripted incident."""
