"""Who may do what at the control plane: roles and who holds them, projects, service accounts, access tokens."""
