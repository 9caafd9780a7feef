"""The words that the sample organisation is made of."""

from typing import Final

DEPARTMENTS: Final = (
    "Customer Service",
    "Account Management",
    "Sales",
    "Procurement",
    "Finance",
    "Human Resources",
    "IT Operations",
    "Quality",
    "Compliance",
    "Logistics",
    "Production",
    "Facility Management",
    "Legal",
    "Marketing",
)

SUBJECTS: Final = (
    "Customer Onboarding",
    "Supplier Invoice",
    "Purchase Order",
    "Contract",
    "Complaint",
    "Credit Note",
    "Travel Expense",
    "Job Application",
    "Access Right",
    "Incident",
    "Change Request",
    "Audit Finding",
    "Risk",
    "Data Subject Request",
    "Spare Part",
    "Delivery",
    "Return",
    "Maintenance Plan",
    "Training Record",
    "Price List",
    "Sales Opportunity",
    "Product Release",
    "Prüfmittel",
    "Café Supply",
    "Works Council Agreement",
    "Fire Drill",
)

VERBS: Final = (
    "Approve",
    "Record",
    "Review",
    "Register",
    "Close",
    "Escalate",
    "Plan",
    "Archive",
    "Check",
    "Send",
    "Assign",
    "Reconcile",
)

SCOPES: Final = (
    "",
    "Domestic",
    "International",
    "Key Accounts",
    "Small Sites",
    "Plant North",
    "Plant South",
    "Online Shop",
    "Subsidiaries",
    "Year End",
)

FIRST_NAMES: Final = (
    "John",
    "Maria",
    "Ahmed",
    "Zoë",
    "Jürgen",
    "Aiko",
    "Priya",
    "Łukasz",
    "Chloé",
    "Daniel",
    "Ingrid",
    "Tom",
)

LAST_NAMES: Final = (
    "Smith",
    "García",
    "Hansen",
    "Müller",
    "Tanaka",
    "Novák",
    "Okafor",
    "Rossi",
    "O'Neill",
    "Sørensen",
    "Weiß",
    "Patel",
)

ROLES: Final = (
    "Customer Service Team",
    "Purchasing Clerk",
    "Accounts Payable",
    "Team Lead",
    "Shift Supervisor",
    "HR Business Partner",
    "Service Desk",
    "Quality Engineer",
    "Data Protection Officer",
    "Warehouse Team",
)
