variable "name" {
  description = "First part of every name; jobs must begin with it and a hyphen."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "tasks" {
  description = "Tasks whose models are mirrored in SageMaker Model Registry."
  type        = set(string)
}

variable "role_arn" {
  description = "Role that SageMaker jobs take."
  type        = string
}

variable "instance_types" {
  description = "Instance types that jobs may use."
  type        = set(string)
}

variable "max_hours" {
  description = "Longest running time of a job [h]."
  type        = number
}

variable "data_key_arn" {
  description = "KMS key that volumes and output must use."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets in which hosts must stand."
  type        = list(string)
}

variable "jobs_security_group_id" {
  description = "Security group that hosts must have."
  type        = string
}
