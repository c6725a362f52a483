"""What people see of the content of repositories: artifacts, what belongs to them, and what is inside."""
