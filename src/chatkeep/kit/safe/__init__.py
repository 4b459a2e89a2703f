"""The safe form of a change: several migrations, none of which makes a big table wait."""
