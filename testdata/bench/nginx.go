//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

// nginx is the anchor.
type nginx struct {
	path    string
	files   files
	core    int
	answers answers // what solsnap answers, so that both send the same bytes
}

// answers are the bodies of solsnap's small answers.
type answers struct{ Health, RPC string }

// nginxConf is one process that does everything: the master would add nothing
// but a second process to stop. Debian's default sets tcp_nopush, which costs
// nginx half as much CPU again on loopback and would flatter us.
var nginxConf = template.Must(template.New("nginx.conf").Parse(`
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {{.Dir}}/nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
	sendfile on;
	tcp_nopush off;
	access_log off;
	keepalive_requests 1000000000;
	absolute_redirect off;
	default_type application/zstd;
	client_body_temp_path {{.Dir}}/nginx-body;
	proxy_temp_path {{.Dir}}/nginx-proxy;
	fastcgi_temp_path {{.Dir}}/nginx-fastcgi;
	uwsgi_temp_path {{.Dir}}/nginx-uwsgi;
	scgi_temp_path {{.Dir}}/nginx-scgi;
	server {
		listen {{.Address}} backlog=4096;
		listen {{.TLSAddress}} ssl backlog=4096;
		ssl_certificate {{.Cert}};
		ssl_certificate_key {{.Key}};
		ssl_protocols TLSv1.3;
		root {{.Root}};
		{{with .Rate}}limit_rate {{.}};{{end}}
		location = /snapshot.tar.bz2 { return 303 /{{.Archive}}; }
		location = /health { return 200 '{{.Answers.Health}}'; }
		location = / { default_type application/json; return 200 '{{.Answers.RPC}}'; }
	}
}
`))

func (n *nginx) name() string { return "nginx" }

func (n *nginx) launch(_ context.Context, rate int64) (*server, error) {
	addresses, err := freeAddresses(2)
	if err != nil {
		return nil, err
	}
	var conf bytes.Buffer
	err = nginxConf.Execute(&conf, map[string]any{
		"Dir": n.files.dir, "Root": n.files.snapshots, "Archive": n.files.archive,
		"Cert": n.files.cert, "Key": n.files.key, "Rate": rate, "Answers": n.answers,
		"Address": addresses[0], "TLSAddress": addresses[1],
	})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(n.files.dir, "nginx.conf")
	if err := os.WriteFile(path, conf.Bytes(), 0o600); err != nil {
		return nil, err
	}
	p, err := startProcess(n.core, n.path, "-e", "stderr", "-p", n.files.dir, "-c", path)
	if err != nil {
		return nil, err
	}
	return &server{process: p, address: addresses[0], tlsAddress: addresses[1], rate: rate}, nil
}

func (n *nginx) ready(context.Context, *server) error { return nil }

// version is what the binary calls itself.
func (n *nginx) version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, n.path, "-v").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run %s -v: %w; install nginx or give -nginx PATH", n.path, err)
	}
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), ": ")
	return version, nil
}
