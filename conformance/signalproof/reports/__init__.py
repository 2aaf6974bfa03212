"""What a run leaves behind: `report.json`, all that is made of it, and the words on the terminal."""
