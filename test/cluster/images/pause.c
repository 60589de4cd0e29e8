/*
 * Holds namespaces open: the sandbox of each pod, and the first process of each node. As the first process of a process
 * namespace it also takes notice of every orphan that ends, so that none stays a zombie.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal)
{
	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void end(int signal)
{
	(void)signal;
	_exit(0);
}

int main(void)
{
	struct sigaction reaper = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
	struct sigaction ender = {.sa_handler = end};

	if (sigaction(SIGCHLD, &reaper, NULL) || sigaction(SIGINT, &ender, NULL) || sigaction(SIGTERM, &ender, NULL))
		return 1;
	/* What ended before we listened. */
	reap(0);
	for (;;)
		pause();
}
