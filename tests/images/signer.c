/* SPDX-License-Identifier: MIT */
/* Runs minisign(1), whose path the build found. */
#include "signer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool signer_is_there(void)
{
	return MINISIGN[0] != '\0';
}

__attribute__((noreturn)) static void signer_become(const char *folder, char *const *args)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir(folder) == 0 && null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1) {
		execv(MINISIGN, args);
	}
	_exit(127);
}

static void signer_run(const char *folder, char *const *args)
{
	const pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		signer_become(folder, args);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "%s %s in %s: status %d\n", MINISIGN, args[1], folder, status);
		abort();
	}
}

static void signer_read_public(const char *folder, const char *key, char ret[static 57])
{
	char path[512], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.pub", folder, key);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) || !fgets(line, sizeof(line), file) ||
		strcspn(line, "\n") != 56) {
		fprintf(stderr, "%s: no public key\n", path);
		abort();
	}
	fclose(file);
	memcpy(ret, line, 56);
	ret[56] = '\0';
}

void signer_make_key(const char *folder, const char *key, char ret_public[static 57])
{
	char public[128], secret[128];
	char *const args[] = {(char *)"minisign", (char *)"-G", (char *)"-W", (char *)"-p", public,
		(char *)"-s", secret, NULL};

	snprintf(public, sizeof(public), "%s.pub", key);
	snprintf(secret, sizeof(secret), "%s.key", key);
	signer_run(folder, args);
	signer_read_public(folder, key, ret_public);
}

void signer_sign(const char *folder, const char *key, const char *file, bool legacy)
{
	char secret[128];
	char *const args[] = {(char *)"minisign", (char *)"-S", (char *)"-s", secret, (char *)"-m",
		(char *)file, legacy ? (char *)"-l" : NULL, NULL};

	snprintf(secret, sizeof(secret), "%s.key", key);
	signer_run(folder, args);
}
