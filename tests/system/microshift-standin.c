/* SPDX-License-Identifier: Apache-2.0 */

/* A stand-in for MicroShift: looks like the real one to systemd and in the journal, and ends in
 * the way a test asks for.
 *
 *   microshift run                        the service
 *   microshift version [-o json|yaml]
 *   microshift show-config [-m effective|default]
 *
 * What a run does is one line, "BEHAVIOUR [ARGUMENT]", in a file in $STANDIN_DIR, which is
 * /run/standin by default:
 *
 *   start   read and removed when a run starts; without it the run becomes ready and stays
 *   always  the same for every run, as long as the file is there
 *   now     read and removed on SIGUSR1: what happens to a running MicroShift
 *   slow    not a behaviour, but the seconds that `version` takes to answer
 *
 * Before READY: exit N, fatal, panic, protocol, hang, hang-ignore
 *
 * After READY: kill, segv, exit-run N, etcd, term-self, chatty N, say TEXT, rotate N,
 * ignore-term
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

static bool arg_ignore_term;

/* klog's line as MicroShift's patched klog writes it: component, level and date, pid, source,
 * text. */
static void __attribute__((format(printf, 4, 5)))
klog(const char *component, char level, const char *source, const char *format, ...)
{
	char text[1024], date[32];
	struct timespec now;
	struct tm tm;
	va_list ap;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%m%d %H:%M:%S", &tm);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "%s %c%s.%06ld %7d %s] %s\n", component, level, date,
	    now.tv_nsec / 1000, (int)getpid(), source, text);
}

static void
goroutines(void)
{
	dprintf(STDERR_FILENO,
	    "goroutine 1 [running]:\n"
	    "k8s.io/klog/v2.stacks(0x0)\n"
	    "\t/go/src/github.com/openshift/microshift/vendor/k8s.io/klog/v2/klog.go:1196 +0x5c\n"
	    "main.main()\n"
	    "\t/go/src/github.com/openshift/microshift/cmd/microshift/main.go:29 +0x1b\n"
	    "\n"
	    "goroutine 52 [select]:\n"
	    "github.com/openshift/microshift/pkg/servicemanager.(*ServiceManager).Run(0xc0000b2000)\n"
	    "\t/go/src/github.com/openshift/microshift/pkg/servicemanager/manager.go:87 +0x2e5\n");
}

static _Noreturn void
stop_services(void)
{
	klog("???", 'I', "run.go:341", "MICROSHIFT STOPPING");
	klog("kubelet", 'I', "manager.go:138", "\"SERVICE STOPPED\" service=\"kubelet\"");
	klog("etcd", 'I', "manager.go:138", "\"SERVICE STOPPED\" service=\"etcd\"");
	klog("???", 'I', "run.go:352", "\"MICROSHIFT STOPPED\" since-stop=\"3.1ms\"");
	exit(0);
}

/* Takes the first line of a control file; removes the file unless it is meant to stay. */
static bool
take(const char *name, char *line, size_t size)
{
	const char *dir = getenv("STANDIN_DIR");
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "/run/standin", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(line, (int)size, f))
		line[0] = '\0';
	fclose(f);
	if (strcmp(name, "always") != 0 && strcmp(name, "slow") != 0)
		unlink(path);
	line[strcspn(line, "\n")] = '\0';
	return line[0] != '\0';
}

/* Splits "BEHAVIOUR ARGUMENT" in place. */
static const char *
argument_of(char *line)
{
	char *space = strchr(line, ' ');

	if (!space)
		return "";
	*space = '\0';
	return space + 1;
}

static void
hang(const sigset_t *stop)
{
	int sig;

	for (;;) {
		sigwait(stop, &sig);
		if (sig == SIGTERM && !arg_ignore_term) {
			klog("???", 'I', "run.go:318", "Interrupt received");
			stop_services();
		}
	}
}

static void
before_ready(char *line, const sigset_t *stop)
{
	const char *arg = argument_of(line);

	if (strcmp(line, "exit") == 0) {
		klog("???", 'E', "run.go:72",
		    "\"command failed\" err=\"failed to read configuration: unknown field \\\"netwrok\\\"\"");
		exit(*arg ? atoi(arg) : 1);
	}
	if (strcmp(line, "fatal") == 0) {
		klog("???", 'F', "run.go:166",
		    "failed to retrieve the necessary certificates: failed to regenerate CA \"etcd-signer\"");
		goroutines();
		exit(255);
	}
	if (strcmp(line, "panic") == 0) {
		dprintf(STDERR_FILENO, "panic: runtime error: invalid memory address\n\n");
		goroutines();
		exit(2);
	}
	if (strcmp(line, "protocol") == 0) {
		klog("etcd", 'W', "etcd.go:122",
		    "microshift-etcd process terminated prematurely, restarting MicroShift");
		exit(0);
	}
	if (strcmp(line, "hang") == 0)
		hang(stop);
	if (strcmp(line, "hang-ignore") == 0) {
		arg_ignore_term = true;
		hang(stop);
	}
}

static void
chatter(unsigned lines_per_second)
{
	struct timespec pause = { .tv_nsec =
				      lines_per_second ? 1000000000L / lines_per_second : 0 };

	if (fork() != 0)
		return;
	for (unsigned long n = 0; getppid() != 1; n++) {
		klog("kube-apiserver", 'I', "httplog.go:132",
		    "\"HTTP\" verb=\"GET\" URI=\"/api/v1/namespaces/default/pods/%lu\" latency=\"1.2ms\" resp=200",
		    n);
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

static void
after_ready(char *line)
{
	const char *arg = argument_of(line);

	if (strcmp(line, "kill") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(line, "segv") == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (strcmp(line, "exit-run") == 0) {
		klog("kube-apiserver", 'E', "manager.go:149",
		    "\"SERVICE FAILED - stopping MicroShift\" err=\"listen tcp :6443: bind: address already in use\" service=\"kube-apiserver\"");
		klog("???", 'E', "run.go:72", "\"command failed\" err=\"service failed\"");
		exit(*arg ? atoi(arg) : 1);
	}
	if (strcmp(line, "etcd") == 0) {
		klog("etcd", 'W', "etcd.go:122",
		    "microshift-etcd process terminated prematurely, restarting MicroShift");
		exit(0);
	}
	if (strcmp(line, "term-self") == 0) {
		klog("sysconfwatch-controller", 'W', "sysconfwatch_linux.go:131",
		    "realtime clock change detected, time drifted 3600 seconds, restarting MicroShift");
		kill(getpid(), SIGTERM);
	}
	if (strcmp(line, "chatty") == 0)
		chatter((unsigned)atoi(arg));
	if (strcmp(line, "say") == 0)
		klog("???", 'I', "standin.c:1", "%s", arg);
	if (strcmp(line, "rotate") == 0)
		for (int i = 0; i < atoi(arg); i++)
			klog("???", 'E', "rotation.go:62",
			    "[signer-%d] rotate at: 2035-11-21 00:00:00 +0000 UTC", i);
	if (strcmp(line, "ignore-term") == 0)
		arg_ignore_term = true;
}

static void
start_services(void)
{
	static const char *const services[] = { "network-configuration", "etcd",
		"sysconfwatch-controller", "kube-apiserver", "kube-scheduler",
		"kube-controller-manager", "kubelet" };

	klog("???", 'I', "startuprecorder.go:85",
	    "\"MICROSHIFT STARTING SERVICES\" since-start=\"44.1ms\"");
	/* Written at level E for information, at every start; not a certificate problem. */
	klog("???", 'E', "rotation.go:62",
	    "[etcd-signer etcd-serving] rotate at: 2035-11-21 00:00:00 +0000 UTC");
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		klog(services[i], 'I', "manager.go:130", "\"SERVICE STARTING\" service=\"%s\"",
		    services[i]);
		klog(services[i], 'I', "startuprecorder.go:58",
		    "\"SERVICE READY\" service=\"%s\" since-start=\"1.1ms\"", services[i]);
	}
	klog(
	    "???", 'I', "startuprecorder.go:95", "\"MICROSHIFT READY\" since-start=\"51.2ms\"");
}

static int
verb_run(void)
{
	char line[256];
	sigset_t set;
	int sig;

	/* Blocked from the first instruction on: signals are taken with sigwait() only. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);

	klog("???", 'I', "run.go:111", "\"Version\" microshift=\"4.20.0\" base=\"4.20.0\"");
	klog("???", 'I', "startuprecorder.go:70", "\"MICROSHIFT STARTING\"");
	if (!take("start", line, sizeof(line)) && !take("always", line, sizeof(line)))
		line[0] = '\0';
	before_ready(line, &set);
	start_services();
	sd_notify(0, "READY=1");
	klog("???", 'I', "run.go:301", "sent sd_notify readiness message");
	after_ready(line);

	for (;;) {
		if (sigwait(&set, &sig) != 0)
			continue;
		if (sig == SIGUSR1) {
			if (take("now", line, sizeof(line)))
				after_ready(line);
			continue;
		}
		klog("???", 'I', "run.go:318", "Interrupt received");
		if (!arg_ignore_term)
			stop_services();
	}
}

static int
verb_version(bool json)
{
	char line[32];

	if (take("slow", line, sizeof(line)))
		sleep((unsigned)atoi(line));
	if (json)
		puts(
		    "{\n  \"major\": \"4\",\n  \"minor\": \"20\",\n  \"gitVersion\": \"4.20.0\",\n"
		    "  \"gitCommit\": \"0123456789abcdef0123456789abcdef01234567\",\n"
		    "  \"gitTreeState\": \"clean\",\n  \"buildDate\": \"2026-01-01T00:00:00Z\",\n"
		    "  \"goVersion\": \"go1.24.4\",\n  \"compiler\": \"gc\",\n"
		    "  \"platform\": \"linux/amd64\",\n  \"patch\": \"0\"\n}");
	else
		puts("MicroShift Version: 4.20.0\nBase OCP Version: 4.20.0");
	return 0;
}

static int
verb_show_config(void)
{
	if (geteuid() != 0) {
		fputs("Error: command requires root privileges\n", stderr);
		return 1;
	}
	puts("apiServer:\n  advertiseAddress: 10.44.0.0\n  auditLog:\n    profile: Default\n"
	     "dns:\n  baseDomain: example.com\n"
	     "etcd:\n  memoryLimitMB: 0\n"
	     "network:\n  clusterNetwork:\n  - 10.42.0.0/16\n"
	     "node:\n  hostnameOverride: standin\n"
	     "telemetry:\n  proxy: http://proxyuser:Pl4ntedProxyPw@proxy.example.com:3128");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "run") == 0)
		return verb_run();
	if (strcmp(verb, "version") == 0)
		return verb_version(
		    argc > 3 && strcmp(argv[2], "-o") == 0 && strcmp(argv[3], "json") == 0);
	if (strcmp(verb, "show-config") == 0)
		return verb_show_config();
	fprintf(stderr, "usage: %s run | version [-o json] | show-config [-m effective]\n",
	    argv[0]);
	return 1;
}
