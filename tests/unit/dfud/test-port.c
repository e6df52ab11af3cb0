/* SPDX-License-Identifier: MIT */
/* Visits and what they remember (design 2, the table of design 4, amendments 2 and 9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dfud/port.h"

#define S      UINT64_C(1000000)
#define WITHIN (10 * S)
#define T0     (1000 * S)

static struct hotplug_device device(bool dfu, uint32_t number)
{
	return (struct hotplug_device){
		.port = "1-1",
		.vendor = dfu ? 0x0483 : 0x1d50,
		.product = dfu ? 0xdf11 : 0x614e,
		.dfu = dfu,
		.number = number,
	};
}

static bool present(struct port *port, bool dfu, uint32_t number, uint64_t now_us)
{
	const struct hotplug_device d = device(dfu, number);

	return port_take_present(port, &d, now_us);
}

struct place {
	struct ports ports;
	struct port *port;
};

/* A port with a board in DFU mode, device number 1, since T0. */
static struct place place_new(void)
{
	struct place place = {.ports = PORTS_INIT};

	place.port = port_get(&place.ports, "1-1");
	assert_non_null(place.port);
	assert_true(present(place.port, true, 1, T0));
	return place;
}

static void test_list(void **state)
{
	struct ports ports = PORTS_INIT;
	struct port *one, *two;

	assert_null(port_find(&ports, "1-1"));
	one = port_get(&ports, "1-1");
	two = port_get(&ports, "1-1.2");
	assert_non_null(one);
	assert_ptr_not_equal(one, two);
	assert_ptr_equal(port_get(&ports, "1-1"), one);
	assert_ptr_equal(port_find(&ports, "1-1.2"), two);
	assert_string_equal(two->device.port, "1-1.2");
	assert_false(port_is_open(one));
	ports_done(&ports);
	assert_null(port_find(&ports, "1-1"));
}

static void test_appears(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	assert_int_equal(p->visit, 1);
	assert_int_equal(p->appeared_us, T0);
	assert_true(port_is_open(p));
	p->announced = true;
	snprintf(p->said, sizeof(p->said), "something");
	assert_false(present(p, true, 1, T0 + S)); /* udev learnt more */
	assert_int_equal(p->appeared_us, T0);
	assert_true(p->announced);
	assert_string_equal(p->said, "something");
	port_take_absent(p);
	assert_false(port_is_open(p));
	assert_true(present(p, true, 1, T0 + 2 * S)); /* the same number, but it was away */
	assert_int_equal(p->visit, 2);
	assert_false(p->announced);
	assert_string_equal(p->said, "");
	ports_done(&place.ports);
}

/* Nobody heard it go: another device number is another appearance. */
static void test_other_number(void **state)
{
	struct place place = place_new();

	port_remember(place.port, 7, PORT_NEVER, T0);
	assert_true(present(place.port, true, 2, T0 + S));
	assert_int_equal(place.port->appeared_us, T0 + S);
	assert_true(port_may(place.port, 7, T0 + S));
	ports_done(&place.ports);
}

static void test_run_time(void **state)
{
	struct ports ports = PORTS_INIT;
	struct port *p = port_get(&ports, "1-1");

	assert_false(present(p, false, 1, T0));
	assert_false(port_is_open(p));
	assert_false(port_may(p, 1, T0));
	assert_true(present(p, true, 2, T0 + S));
	assert_true(port_is_open(p));
	ports_done(&ports);
}

/* udev may tell of the interfaces only when it has looked at them. */
static void test_mode_is_learnt_late(void **state)
{
	struct ports ports = PORTS_INIT;
	struct port *p = port_get(&ports, "1-1");

	assert_false(present(p, false, 1, T0));
	assert_true(present(p, true, 1, T0 + 1));
	assert_true(port_is_open(p));
	ports_done(&ports);
}

/* When and how a board that is back in DFU mode continues its visit. */
static void test_continuation(void **state)
{
	static const struct {
		const char *what;
		bool left;	/* dfud's own leave */
		bool run_time;	/* seen in between */
		bool absent;	/* seen to go */
		uint64_t after; /* it is back */
		bool is_new;
	} rows[] = {
		{"back at once", true, false, true, S, false},
		{"back before we saw it go", true, false, false, S, false},
		{"back in the last moment", true, false, true, WITHIN - 1, false},
		{"back when Within= is over", true, false, true, WITHIN, true},
		{"back much later", true, false, true, 100 * WITHIN, true},
		{"the program ran in between", true, true, true, 2 * S, true},
		{"the program ran, its going was not heard", true, true, false, 2 * S, true},
		{"went by itself", false, false, true, S / 10, true},
		{"went by itself, not heard", false, false, false, S / 10, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct place place = place_new();
		struct port *p = place.port;

		port_remember(p, 7, PORT_NEVER, T0);
		if (rows[i].left) {
			port_note_left(p, T0, WITHIN);
		}
		if (rows[i].absent) {
			port_take_absent(p);
		}
		if (rows[i].run_time) {
			assert_false(present(p, false, 2, T0 + S));
			if (rows[i].absent) {
				port_take_absent(p);
			}
		}
		if (present(p, true, 3, T0 + rows[i].after) != rows[i].is_new ||
			port_may(p, 7, T0 + rows[i].after) != rows[i].is_new ||
			p->visit != (rows[i].is_new ? 2 : 1)) {
			fail_msg("%s", rows[i].what);
		}
		assert_int_equal(port_is_open(p), rows[i].is_new || !rows[i].left);
		ports_done(&place.ports);
	}
}

/* What was left is closed for every file, until the next visit. */
static void test_left_is_closed(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	port_note_left(p, T0 + S, WITHIN);
	assert_false(port_is_open(p));
	assert_false(port_may(p, 99, T0 + S));
	assert_false(present(p, true, 1, T0 + 50 * S)); /* it stayed */
	assert_false(port_is_open(p));
	port_take_absent(p);
	assert_true(present(p, true, 2, T0 + 60 * S));
	assert_true(port_is_open(p));
	ports_done(&place.ports);
}

/* The leave is noted after the port was seen to change already. */
static void test_left_is_noted_late(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	port_take_absent(p);
	assert_false(present(p, false, 2, T0 + S));
	port_note_left(p, T0 + S, WITHIN);
	port_take_absent(p);
	assert_true(present(p, true, 3, T0 + 2 * S)); /* a person put it into DFU mode again */
	assert_true(port_is_open(p));
	ports_done(&place.ports);
}

static void test_leave_counts_once(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	port_note_left(p, T0, WITHIN);
	port_take_absent(p);
	assert_false(present(p, false, 2, T0 + S));
	port_take_absent(p);
	assert_true(present(p, true, 3, T0 + 2 * S));
	port_take_absent(p); /* unplugged by hand */
	assert_true(present(p, true, 4, T0 + 3 * S));
	ports_done(&place.ports);
}

static void test_memories(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	assert_true(port_may(p, 1, T0));
	port_remember(p, 1, PORT_NEVER, T0);
	port_remember(p, 2, PORT_AFTER_RELOAD, T0);
	port_remember(p, 3, PORT_AFTER_PAUSE, T0);
	port_remember(p, 4, PORT_ONCE_MORE, T0);
	assert_false(port_may(p, 1, T0 + 1000 * S));
	assert_false(port_may(p, 2, T0 + 1000 * S));
	assert_false(port_may(p, 3, T0));
	assert_false(port_may(p, 3, T0 + 60 * S - 1));
	assert_true(port_may(p, 3, T0 + 60 * S));
	assert_true(port_may(p, 4, T0));
	assert_true(port_may(p, 5, T0));
	port_forget_refusals(p);
	assert_false(port_may(p, 1, T0 + 1000 * S));
	assert_true(port_may(p, 2, T0));
	assert_false(port_may(p, 3, T0));
	port_take_absent(p);
	assert_false(port_may(p, 5, T0));
	assert_true(present(p, true, 2, T0 + S));
	for (uint64_t job = 1; job <= 4; job++) {
		assert_true(port_may(p, job, T0 + S));
	}
	ports_done(&place.ports);
}

static void test_once_more(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	port_remember(p, 1, PORT_ONCE_MORE, T0);
	assert_true(port_may(p, 1, T0));
	port_remember(p, 1, PORT_ONCE_MORE, T0 + S);
	assert_false(port_may(p, 1, T0 + S));
	port_forget_refusals(p);
	assert_false(port_may(p, 1, T0 + 1000 * S));
	ports_done(&place.ports);
}

/* A busy board is not a failed one, and takes nothing from what a failure is given. */
static void test_once_more_after_pauses(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	port_remember(p, 1, PORT_AFTER_PAUSE, T0);
	port_remember(p, 1, PORT_AFTER_PAUSE, T0 + 60 * S);
	port_remember(p, 1, PORT_ONCE_MORE, T0 + 120 * S);
	assert_true(port_may(p, 1, T0 + 120 * S));
	port_remember(p, 1, PORT_AFTER_PAUSE, T0 + 121 * S);
	port_remember(p, 1, PORT_ONCE_MORE, T0 + 181 * S);
	assert_false(port_may(p, 1, T0 + 1000 * S));
	ports_done(&place.ports);
}

static void test_pause_begins_anew(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	assert_true(port_next_pause_end(p) == UINT64_MAX);
	port_remember(p, 1, PORT_AFTER_PAUSE, T0);
	port_remember(p, 2, PORT_AFTER_PAUSE, T0 + S);
	port_remember(p, 3, PORT_NEVER, T0);
	assert_true(port_next_pause_end(p) == T0 + 60 * S);
	port_remember(p, 1, PORT_AFTER_PAUSE, T0 + 60 * S);
	assert_false(port_may(p, 1, T0 + 61 * S));
	assert_true(port_next_pause_end(p) == T0 + 61 * S);
	assert_true(port_may(p, 2, T0 + 61 * S));
	port_take_absent(p);
	assert_true(port_next_pause_end(p) == UINT64_MAX);
	ports_done(&place.ports);
}

/* However many files were refused here: none of them is tried twice in one visit. */
static void test_many_memories(void **state)
{
	struct place place = place_new();
	struct port *p = place.port;

	for (uint64_t job = 1; job <= 200; job++) {
		port_remember(p, job, job % 2 ? PORT_NEVER : PORT_AFTER_RELOAD, T0 + job);
		for (uint64_t before = 1; before <= job; before++) {
			assert_false(port_may(p, before, T0 + 1000 * S));
		}
	}
	assert_true(port_may(p, 201, T0 + S));
	port_forget_refusals(p);
	for (uint64_t job = 1; job <= 200; job++) {
		assert_int_equal(port_may(p, job, T0 + S), job % 2 == 0);
	}
	ports_done(&place.ports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_appears),
		cmocka_unit_test(test_other_number),
		cmocka_unit_test(test_run_time),
		cmocka_unit_test(test_mode_is_learnt_late),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_left_is_closed),
		cmocka_unit_test(test_left_is_noted_late),
		cmocka_unit_test(test_leave_counts_once),
		cmocka_unit_test(test_memories),
		cmocka_unit_test(test_once_more),
		cmocka_unit_test(test_once_more_after_pauses),
		cmocka_unit_test(test_pause_begins_anew),
		cmocka_unit_test(test_many_memories),
	};

	return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
