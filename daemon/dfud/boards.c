/* SPDX-License-Identifier: MIT */
/* Ports and their attempts, told by hotplug. Only news go on: udev tells a device more than once.
 */
#include "dfud/boards.h"

#include <errno.h>

#include "dfud/daemon.h"
#include "dfud/hotplug.h"
#include "dfud/journey.h"
#include "dfud/notice.h"

void boards_take_present(struct daemon *daemon, const struct hotplug_device *device)
{
	struct port *port = port_get(&daemon->ports, device->port);
	struct assignment *a;
	bool is_news;

	if (port == NULL) {
		notice_trouble(REASON_NO_SPACE, "a board cannot be taken note of", -ENOMEM);
		return;
	}
	is_news = !port->present || port->device.number != device->number ||
		  port->device.dfu != device->dfu;
	(void)port_take_present(port, device, daemon_now_us());
	a = port->attempt;
	if (a != NULL && a->journey != NULL && is_news) {
		journey_take_present(a->journey, device);
	}
	daemon_wake(daemon);
}

void boards_take_absent(struct daemon *daemon, const char *name)
{
	struct port *port = port_find(&daemon->ports, name);
	struct assignment *a;

	if (port == NULL || !port->present) {
		return;
	}
	port_take_absent(port);
	a = port->attempt;
	if (a != NULL && a->journey != NULL) {
		journey_take_absent(a->journey);
	}
	daemon_wake(daemon);
}

void boards_take_tty(struct daemon *daemon, const char *name, const char *link)
{
	struct port *port = port_find(&daemon->ports, name);
	struct assignment *a = port != NULL ? port->attempt : NULL;

	if (a != NULL && a->journey != NULL) {
		journey_take_tty(a->journey, link);
	}
}

void boards_look_again(struct daemon *daemon)
{
	struct hotplug_device device;

	for (struct port *p = daemon->ports.first; p != NULL; p = p->next) {
		if (hotplug_look(daemon->hotplug, p->device.port, &device) > 0) {
			boards_take_present(daemon, &device);
		} else {
			boards_take_absent(daemon, p->device.port);
		}
	}
}
