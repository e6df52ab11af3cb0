/* SPDX-License-Identifier: MIT */
/* Signature files of minisign: what is one, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/minisign.h"
#include "config/public-key.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define FIRST	 "untrusted comment: signature from minisign secret key"
#define HASHED                                                                                     \
	"RUQm2tWp2csm7geqbWEWf09O5k8cOhd47kP2oa66RM54TNijYDqEAdwgjLKXRmNzMo39T9KAkFBDm+M0kbluC/"   \
	"vxaEifVN48vQg="
#define LEGACY                                                                                     \
	"RWQm2tWp2csm7ozC+u/"                                                                      \
	"x3ozymfoeRYDESzpWn6F1+AoVrYdVcgonFm60zasSFIulo7qX9OrmNwTaBtVK2bM5LoePp"                   \
	"PI/Lyf9FQ8="
#define TRUSTED "timestamp:1795729638\tfile:f.bin\thashed"
#define THIRD	"trusted comment: " TRUSTED
#define GLOBAL                                                                                     \
	"MHSpKT6Dq9DN4+o0FOZ9JqEV6KgAODcyHflZfcyAo1EOXxRNQEpJLNtvXFiAMkc4z2gghyRwEEbu7VSlrPKoBQ=="

static bool parse(const char *text, struct minisign *ret)
{
	return minisign_parse(text, strlen(text), ret);
}

static void assert_good(const char *text, bool is_prehashed)
{
	static const uint8_t id[8] = {0x26, 0xda, 0xd5, 0xa9, 0xd9, 0xcb, 0x26, 0xee};
	struct minisign m;

	print_message("%s\n", text);
	assert_true(parse(text, &m));
	assert_int_equal(m.is_prehashed, is_prehashed);
	assert_memory_equal(m.key_id, id, sizeof(id));
	assert_int_equal(m.signature[0], is_prehashed ? 0x07 : 0x8c);
	assert_int_equal(m.signature[63], is_prehashed ? 0x08 : 0x0f);
	assert_int_equal(m.global_signature[0], 0x30);
	assert_int_equal(m.global_signature[63], 0x05);
	assert_int_equal(m.n_trusted_comment, strlen(TRUSTED));
	assert_memory_equal(m.trusted_comment, TRUSTED, strlen(TRUSTED));
}

static void test_good(void **state)
{
	assert_good(FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n", true);
	assert_good(FIRST "\n" LEGACY "\n" THIRD "\n" GLOBAL "\n", false);
	assert_good(FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL, true);
	assert_good(FIRST "\r\n" HASHED "\r\n" THIRD "\r\n" GLOBAL "\r\n", true);
	assert_good(FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n\r\n\n", true);
	assert_good("untrusted comment: \n" HASHED "\n" THIRD "\n" GLOBAL "\n", true);
}

static void test_empty_trusted_comment(void **state)
{
	struct minisign m;

	assert_true(parse(FIRST "\n" HASHED "\ntrusted comment: \n" GLOBAL "\n", &m));
	assert_int_equal(m.n_trusted_comment, 0);
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"",
		"\n\n\n\n",
		FIRST "\n" HASHED "\n" THIRD "\n",
		FIRST "\n" HASHED "\n" THIRD,
		HASHED "\n" THIRD "\n" GLOBAL "\n",
		"\n" FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		FIRST "\n\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		/* more than one */
		FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n" FIRST "\n",
		FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n \n",
		/* prefixes */
		"comment: a\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		"untrusted comment:a\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		"Untrusted comment: a\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		" " FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		FIRST "\n" HASHED "\n" TRUSTED "\n" GLOBAL "\n",
		FIRST "\n" HASHED "\n" FIRST "\n" GLOBAL "\n",
		/* base64: a character less, one more, none of it, blanks, no padding */
		FIRST "\nRUQm2tWp2csm7geqbWEWf09O5k8cOhd47kP2oa66RM54TNijYDqEAdwg\n" THIRD
		      "\n" GLOBAL "\n",
		FIRST "\nA" HASHED "\n" THIRD "\n" GLOBAL "\n",
		FIRST "\n" HASHED "=\n" THIRD "\n" GLOBAL "\n",
		FIRST "\n" HASHED " \n" THIRD "\n" GLOBAL "\n",
		FIRST "\n" GLOBAL "\n" THIRD "\n" GLOBAL "\n",
		FIRST "\n" HASHED "\n" THIRD "\n" HASHED "\n",
		FIRST "\n" HASHED "\n" THIRD
		      "\nMHSpKT6Dq9DN4+o0FOZ9JqEV6KgAODcyHflZfcyAo1EOXxRNQEpJLNtvXFiAMkc4z2gghyRwEE"
		      "bu7VSlrPKoBQ\n",
		/* an algorithm that is none ("EE") */
		FIRST
		"\nRUUm2tWp2csm7geqbWEWf09O5k8cOhd47kP2oa66RM54TNijYDqEAdwgjLKXRmNzMo39T9KAkFB"
		"Dm+M0kbluC/vxaEifVN48vQg=\n" THIRD "\n" GLOBAL "\n",
		/* bytes that a terminal would obey */
		FIRST "\033[2J\n" HASHED "\n" THIRD "\n" GLOBAL "\n",
		FIRST "\n" HASHED "\n" THIRD "\177\n" GLOBAL "\n",
		FIRST "\n" HASHED "\n" THIRD "\ra\n" GLOBAL "\n",
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct minisign m = {.n_trusted_comment = 77};

		print_message("%zu\n", i);
		assert_false(parse(rows[i], &m));
		assert_int_equal(m.n_trusted_comment, 77);
	}
}

/* Every beginning of a good one is none: a half-written file is not taken for a whole one. */
static void test_cut(void **state)
{
	static const char whole[] = FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL;
	const size_t size = sizeof(whole) - 1;
	struct minisign m;

	for (size_t i = 0; i < size; i++) {
		char *cut = malloc(i + 1);

		assert_non_null(cut);
		memcpy(cut, whole, i);
		if (minisign_parse(cut, i, &m)) {
			fail_msg("%zu bytes are enough", i);
		}
		free(cut);
	}
	assert_true(minisign_parse(whole, size, &m));
}

static void test_nul(void **state)
{
	char text[] = FIRST "\n" HASHED "\n" THIRD "\n" GLOBAL "\n";
	const size_t size = sizeof(text) - 1;
	struct minisign m;

	assert_true(minisign_parse(text, size, &m));
	assert_false(minisign_parse(text, size + 1, &m)); /* behind the end */
	text[10] = '\0';
	assert_false(minisign_parse(text, size, &m));
}

static void test_longest(void **state)
{
	static const char head[] = FIRST "\n" HASHED "\ntrusted comment: ",
			  tail[] = "\n" GLOBAL "\n";
	const size_t n_comment = MINISIGN_MAX - (sizeof(head) - 1) - (sizeof(tail) - 1);
	char text[MINISIGN_MAX + 1];
	struct minisign m;

	memset(text, 'c', sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1 + n_comment, tail, sizeof(tail) - 1);
	assert_true(minisign_parse(text, MINISIGN_MAX, &m));
	assert_int_equal(m.n_trusted_comment, n_comment);
	memcpy(text + sizeof(head) + n_comment, tail, sizeof(tail) - 1);
	assert_false(minisign_parse(text, MINISIGN_MAX + 1, &m));
}

/* As minisign shows it when it makes the key. */
static void test_key_id(void **state)
{
	struct public_key key;
	char shown[PUBLIC_KEY_ID_TEXT];

	assert_true(
		public_key_parse("RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gtEMu", &key));
	public_key_show_id(key.id, shown);
	assert_string_equal(shown, "EE26CBD9A9D5DA26");
	key.id[7] = 0x09;
	public_key_show_id(key.id, shown);
	assert_string_equal(shown, "926CBD9A9D5DA26");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_empty_trusted_comment),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_key_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
