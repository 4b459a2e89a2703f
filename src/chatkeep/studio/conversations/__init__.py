"""The studio's room for people, their chats, transcripts, search."""
