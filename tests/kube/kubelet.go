// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// What stands before kwok's fake kubelet: TLS with a certificate of ours, and the logs of
// previous runs, which kwok does not know. It is asked for those of the container "C.previous".
func serveKubelet(pair identity, kwokPort int) int {
	target := must(url.Parse("http://" + address(kwokPort)))
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if r.In.URL.Query().Get("previous") == "true" {
				r.Out.URL.Path += ".previous"
			}
		},
		ErrorLog: log.New(quiet{}, "", 0),
	}
	return serveTLS(pair, proxy)
}

// serveTLS serves HANDLER on a port of its own, which it returns, as long as this program runs.
func serveTLS(pair identity, handler http.Handler) int {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	server := &http.Server{Handler: handler, ErrorLog: log.New(quiet{}, "", 0)}
	certificate := must(tls.LoadX509KeyPair(pair.cert, pair.key))
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return listener.Addr().(*net.TCPAddr).Port
}

// A port where connections are taken, and nothing is ever said.
func listenAndHang() int {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go func() {
		var taken []net.Conn
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			taken = append(taken, c)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// quiet is where the complaints of servers about their clients go.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) {
	return len(p), nil
}
