"""The servers of the bench, a file each: which kinds of questions it gets, its configuration, its command."""
