// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// How long anything may take to come up on a machine that is busy with other things.
const startTime = 3 * time.Minute

// cluster is etcd, a real kube-apiserver and kwok, which plays nodes and kubelets, in DIR.
type cluster struct {
	dir         string
	etcdPort    int
	apiPort     int
	kwokPort    int
	ca          *authority
	stranger    *authority // nobody trusts it
	admin       identity
	kubelet     int // port of the kubelet of all nodes of kwok
	hang        int // port where nobody answers
	untrusted   int // the kubelet again, with a certificate of the stranger
	processes   map[string]*process
	config      *rest.Config
	client      *kubernetes.Clientset
	dynamic     dynamic.Interface
	kwokProgram string
}

// process is a child, and what is closed when it has ended.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// newCluster prepares one; KWOK is the program.
func newCluster(dir, kwok string) *cluster {
	return &cluster{dir: dir, kwokProgram: kwok, processes: map[string]*process{}}
}

// startAPI starts etcd and the API server, and waits until it is ready.
func (c *cluster) startAPI() {
	c.ca = newAuthority(c.dir, "ca")
	c.stranger = newAuthority(c.dir, "stranger")
	c.admin = c.ca.issue("admin", "system:masters")
	ports := freePorts(4)
	c.etcdPort, c.apiPort, c.kwokPort = ports[0], ports[1], ports[2]
	c.startEtcd(ports[3])
	c.startServer()
	check(os.WriteFile(c.path("admin.kubeconfig"), c.kubeconfig(c.apiPort, c.ca, c.admin), 0o600))
	c.config = must(clientcmd.BuildConfigFromFlags("", c.path("admin.kubeconfig")))
	// Thousands of objects are made at once.
	c.config.QPS, c.config.Burst = -1, 0
	c.config.WarningHandler = rest.NoWarnings{}
	c.client = must(kubernetes.NewForConfig(c.config))
	c.dynamic = must(dynamic.NewForConfig(c.config))
	waitFor("the API to be ready", func() bool {
		c.requireRunning("apiserver")
		_, err := c.client.RESTClient().Get().AbsPath("/readyz").DoRaw(context.Background())
		return err == nil
	})
}

func (c *cluster) path(name string) string {
	return filepath.Join(c.dir, name)
}

func (c *cluster) startEtcd(peerPort int) {
	client, peer := "http://"+address(c.etcdPort), "http://"+address(peerPort)
	c.start("etcd", "etcd", "--data-dir", c.path("etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--initial-cluster", "default="+peer)
	waitFor("etcd to be healthy", func() bool {
		c.requireRunning("etcd")
		response, err := http.Get(client + "/health")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// The API server is this program again, in a process that can be stopped and killed.
func (c *cluster) startServer() {
	server := c.ca.issue("apiserver")
	toKubelet := c.ca.issue("to-kubelet")
	tokens := "not-a-secret-token,reader,3,\"" + readersGroup + "\"\n"
	check(os.WriteFile(c.path("tokens.csv"), []byte(tokens), 0o600))
	c.start("apiserver", must(os.Executable()), "apiserver",
		"--etcd-servers", "http://"+address(c.etcdPort),
		"--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(c.apiPort),
		"--tls-cert-file", server.cert, "--tls-private-key-file", server.key,
		"--client-ca-file", c.ca.file(), "--token-auth-file", c.path("tokens.csv"),
		"--kubelet-certificate-authority", c.ca.file(),
		"--kubelet-client-certificate", toKubelet.cert, "--kubelet-client-key", toKubelet.key,
		"--kubelet-preferred-address-types", "InternalIP",
		"--service-account-issuer", "https://localhost", "--service-account-key-file", server.key,
		"--service-account-signing-key-file", server.key,
		"--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "RBAC",
		// There are no controllers that would make the accounts.
		"--disable-admission-plugins", "ServiceAccount",
		"--endpoint-reconciler-type", "none")
}

// startKwok starts what makes nodes ready and pods run. LOGS is what its kubelet has of logs.
func (c *cluster) startKwok(logs string) {
	check(os.WriteFile(c.path("kwok.yaml"), []byte(logs), 0o600))
	c.kubelet = serveKubelet(c.ca.issue("kubelet"), c.kwokPort)
	c.untrusted = serveKubelet(c.stranger.issue("untrusted"), c.kwokPort)
	c.hang = listenAndHang()
	c.start("kwok", c.kwokProgram, "--config", c.path("kwok.yaml"), "--kubeconfig", c.path("admin.kubeconfig"),
		"--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake",
		"--node-ip", "127.0.0.1", "--node-name", "localhost", "--node-port", fmt.Sprint(c.kubelet),
		"--server-address", address(c.kwokPort))
}

// kubeconfig is one with everything in it, for the API (or what stands before it) at PORT.
func (c *cluster) kubeconfig(port int, ca *authority, client identity) []byte {
	return []byte(fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster:
    server: https://%s
    certificate-authority-data: %s
contexts:
- name: test
  context: {cluster: test, user: test}
users:
- name: test
  user:
    client-certificate-data: %s
    client-key-data: %s
`, address(port), encodeFile(ca.file()), encodeFile(client.cert), encodeFile(client.key)))
}

// tokenKubeconfig is one with a bearer token, and the authority in a file.
func (c *cluster) tokenKubeconfig(token string) []byte {
	return []byte(fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters:
- {name: test, cluster: {server: "https://localhost:%d", certificate-authority: %s}}
contexts:
- {name: test, context: {cluster: test, user: test}}
users:
- {name: test, user: {token: %s}}
`, c.apiPort, c.ca.file(), token))
}

// compact makes etcd forget everything but what is now, so that lists which were begun before
// cannot be continued.
func (c *cluster) compact() {
	var answer struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	postJSON(c.etcdPort, "/v3/kv/range", `{"key":"AA=="}`, &answer)
	postJSON(c.etcdPort, "/v3/kv/compaction", fmt.Sprintf(`{"revision":"%s"}`, answer.Header.Revision), nil)
}

// start starts a program whose output is in NAME.log. It ends with this one.
func (c *cluster) start(name, program string, arguments ...string) {
	cmd := exec.Command(program, arguments...)
	out := must(os.Create(c.path(name + ".log")))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "HOME="+c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(cmd.Start())
	out.Close()
	p := &process{cmd, make(chan struct{})}
	c.processes[name] = p
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
}

// requireRunning fails the test when NAME has ended; its last words are in the message.
func (c *cluster) requireRunning(name string) {
	select {
	case <-c.processes[name].ended:
		text := must(os.ReadFile(c.path(name + ".log")))
		require(false, "%s has ended:\n%s", name, text[max(0, len(text)-4000):])
	default:
	}
}

func (c *cluster) signal(name string, signal syscall.Signal) {
	check(c.processes[name].cmd.Process.Signal(signal))
}

// kill ends NAME, at once.
func (c *cluster) kill(name string) {
	if p := c.processes[name]; p != nil {
		_ = p.cmd.Process.Kill()
		<-p.ended
		delete(c.processes, name)
	}
}

func (c *cluster) stop() {
	for _, name := range []string{"kwok", "apiserver", "etcd"} {
		c.kill(name)
	}
}

func address(port int) string {
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
}

func freePorts(n int) []int {
	ports := make([]int, n)
	for i := range ports {
		listener := must(net.Listen("tcp", "127.0.0.1:0"))
		// All are held until the last is known, so that none comes twice.
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

func encodeFile(path string) string {
	return base64.StdEncoding.EncodeToString(must(os.ReadFile(path)))
}

func postJSON(port int, path, body string, answer any) {
	response := must(http.Post("http://"+address(port)+path, "application/json", bytes.NewBufferString(body)))
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		panic(fmt.Errorf("etcd: %s: %s", path, response.Status))
	}
	if answer != nil {
		decodeJSON(response.Body, answer)
	}
}
