"""The tables of this application: users and sessions, ready for Better Auth to extend."""

from chatkeep.presets import maps

schema = maps.schema()
